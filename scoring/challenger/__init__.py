"""A second model next to the champion: split, guard, shadow, and the file that names it."""
