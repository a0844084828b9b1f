"""A desk full of made-up people, to try it and to measure it."""
