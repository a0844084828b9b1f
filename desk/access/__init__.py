"""Who comes in: accounts, passwords, logins and their sessions. Nothing here knows HTTP."""
