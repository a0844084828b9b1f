"""Give Locust the users, and the one shape that `loadtests.run` asks for; a shape overrules Locust's own options."""

# Locust must be the first: it patches ssl before anything else may have imported it.
from loadtests.shapes import SETTINGS, SHAPES
from loadtests.users import BatchUser, MixedUser, SingleUser

__all__ = ["BatchUser", "Chosen", "MixedUser", "SingleUser"]

# Locust takes every shape class it finds here, so there may be one only.
Chosen = SHAPES[SETTINGS.shape]
