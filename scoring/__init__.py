"""The core: what a scorecard is, how an application is scored, and what is decided."""
