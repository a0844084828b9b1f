"""One file per model family, which declares all that is known of it, and the registry that finds them."""
