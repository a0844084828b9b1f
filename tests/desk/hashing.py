"""Hash the passwords of the tests with the smallest parameters: the real ones take a quarter of a second on purpose."""

from __future__ import annotations

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from desk.access import passwords

REAL = passwords._hasher
"""Makes the hasher that the desk has."""
_QUICK = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))


def hash_quickly() -> None:
    """Let this process hash so from now on."""
    passwords._hasher = lambda: _QUICK  # type: ignore[assignment]
