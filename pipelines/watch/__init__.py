"""What watches a model that serves; it runs in an image without the libraries that fit models."""
