"""Make, sign and check the token in the cookie of a session. The database holds only its SHA-256."""

from __future__ import annotations

import hashlib
import os
import secrets

from itsdangerous import BadSignature, Signer

from desk.database.connection import Database
from desk.settings import SHORTEST_SECRET
from scoring.expected import ExpectedError

_SALT = "scorebox.desk.session"
_FILE = "desk.secret"


class Tokens:
    """The tokens of one desk.

    Args:
        secret: what signs them; who has it and reads the database still has no token.
    """

    def __init__(self, secret: str) -> None:
        self._signer = Signer(secret, salt=_SALT, key_derivation="hmac", digest_method=hashlib.sha256)

    def make(self) -> tuple[str, bytes]:
        """Return a new token, signed for the cookie, and its SHA-256 for the database."""
        token = secrets.token_urlsafe(32)
        return self._signer.sign(token).decode(), _sha256(token)

    def read(self, signed: str | None) -> bytes | None:
        """Return the SHA-256 of the token in a cookie; None if this desk did not sign it."""
        try:
            return _sha256(self._signer.unsign(signed or "").decode())
        except (BadSignature, UnicodeDecodeError):
            return None


def new_csrf_token() -> str:
    """Return a token that a page sends back with each change, so that no other site's page can make one."""
    return secrets.token_urlsafe(32)


def _sha256(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def read_secret(given: str | None, database: Database) -> str:
    """Return the secret that signs sessions.

    Args:
        given: by the setting, None if it is not set.
        database: the desk's. A desk in a SQLite file keeps a secret of its own in a file next
            to it, which is made if it is not there; several servers on PostgreSQL must be given one.

    Raises:
        ExpectedError: there is none, and none can be made.
    """
    if given is not None:
        return given
    if database.file is None:
        raise ExpectedError(
            f"SCOREBOX_DESK_SECRET: {SHORTEST_SECRET} or more characters that sign sessions are needed with "
            "PostgreSQL, the same on every server"
        )
    path = database.file.with_name(_FILE)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(SHORTEST_SECRET))
    except FileExistsError:
        pass
    found = path.read_text().strip()
    if len(found) < SHORTEST_SECRET:
        raise ExpectedError(f"{path} holds no secret of {SHORTEST_SECRET} characters; remove it, and a new one is made")
    return found
