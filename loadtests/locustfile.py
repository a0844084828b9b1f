"""Give Locust the users; its own options say how many there are, and for how long."""

# Locust must be the first: it patches ssl before anything else may have imported it.
from loadtests.users import BatchUser, MixedUser, SingleUser

__all__ = ["BatchUser", "MixedUser", "SingleUser"]
