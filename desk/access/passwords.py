"""Make, hash and check passwords."""

from __future__ import annotations

import secrets
from functools import cache

from anyio import CapacityLimiter, to_thread
from pwdlib import PasswordHash

SHORTEST = 12
"""Characters of a password that a person chooses; NIST SP 800-63B-4 asks for 15 where it stands alone, OWASP for 12."""
LONGEST = 1_024
"""Bytes are hashed as a whole, so there is an end to what is taken."""
_GENERATED_BYTES = 15
# A hash takes 64 MiB; forty threads of them would fill a small machine.
_HASHING = CapacityLimiter(4)


def generate() -> str:
    """Return a new password of 120 random bits, 20 characters that need no escaping."""
    return secrets.token_urlsafe(_GENERATED_BYTES)


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, with salt and parameters; takes tens of milliseconds on purpose."""
    return _hasher().hash(password)


def is_password(password: str, hashed: str | None) -> bool:
    """Return whether a hash is of this password; takes as long where there is none, so that time tells nothing."""
    found = _hasher().verify(password, hashed or _nobody_s())
    return found and hashed is not None


async def hash_aside(password: str) -> str:
    """Return the hash of a password, made in a thread next to the event loop."""
    return await to_thread.run_sync(hash_password, password, limiter=_HASHING)


async def is_password_aside(password: str, hashed: str | None) -> bool:
    """Return whether a hash is of this password, found out in a thread next to the event loop."""
    return await to_thread.run_sync(is_password, password, hashed, limiter=_HASHING)


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _nobody_s() -> str:
    return hash_password(generate())
