"""The desk's tables, who may see which of their rows, and the revisions of both databases."""
