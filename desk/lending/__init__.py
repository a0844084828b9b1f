"""Rules of the work with applications: to fill in, send, withdraw and decide about them. Nothing here knows HTTP."""
