"""The steps of the workflow `cd`, each of which also runs elsewhere."""
