"""The smallest change to an application that would have been approved."""
