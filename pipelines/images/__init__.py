"""Release images: the built Bento of a scorecard on a base image, and what is in it."""
