"""Commands that watch a model that serves; they run in an image without the libraries that fit models."""
