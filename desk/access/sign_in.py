"""Log in and out: passwords are checked in constant time, guesses slowed down, sessions kept on the server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from desk.access import passwords
from desk.access.throttle import FREE_OF_ADDRESS, FREE_OF_LOGIN, WINDOW, wait_left
from desk.access.tokens import Tokens, new_csrf_token
from desk.database.access import LoginSession
from desk.database.base import utc_now
from desk.database.connection import Database
from desk.database.people import User
from desk.database.scope import DESK, Viewer
from desk.repositories.unit import Unit, unit_of_work

SESSION_LENGTH = timedelta(hours=12)
"""A working day: who logs in in the morning stays in."""


class WrongLoginError(Exception):
    """Login and password do not belong together, or nobody may log in here."""


class TooManyLoginsError(Exception):
    """Too many logins failed lately.

    Attributes:
        wait: until the next one is looked at.
    """

    def __init__(self, wait: timedelta) -> None:
        super().__init__("too many logins failed")
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Visitor:
    """Someone who is logged in."""

    viewer: Viewer
    full_name: str
    csrf_token: str
    token_sha256: bytes


class SignIn:
    """The door of one desk.

    Args:
        database: the desk's.
        tokens: those of its cookies.
    """

    def __init__(self, database: Database, tokens: Tokens) -> None:
        self._database = database
        self._tokens = tokens

    async def log_in(self, login: str, password: str, address: str, old_cookie: str | None = None) -> str:
        """Begin a session, and end the one that the browser had.

        Args:
            login: in any letters.
            password: as it was typed.
            address: of the network, by which guesses are counted too.
            old_cookie: that the browser sent.

        Returns:
            The cookie of the new session.

        Raises:
            WrongLoginError: it does not open an account; the same for a login that is unknown.
            TooManyLoginsError: guesses are slowed down; the password was not looked at.
        """
        login, at = login.lower(), utc_now()
        hashed = await self._knock(login, address, at)
        right = await passwords.is_password_aside(password, hashed)
        async with unit_of_work(self._database, DESK) as unit:
            user = await unit.users.by_login(login)
            if user is not None and right and user.password_hash == hashed and user.closed_at is None:
                await unit.failed_logins.forget(login)
                return await self._begin(unit, user, at, old_cookie)
            if user is not None:
                unit.audit_log.record("fail login", f"users/{user.id}", by=await unit.users.viewer_of(user))
        raise WrongLoginError

    async def find(self, cookie: str | None) -> Visitor | None:
        """Return who sent a cookie; None if it is of no session that is alive."""
        token_sha256 = self._tokens.read(cookie)
        if token_sha256 is None:
            return None
        async with unit_of_work(self._database, DESK, reading=True) as unit:
            found = await unit.login_sessions.find(token_sha256, utc_now())
            if found is None:
                return None
            session, user = found
            return Visitor(await unit.users.viewer_of(user), user.full_name, session.csrf_token, token_sha256)

    async def log_out(self, visitor: Visitor) -> None:
        """End a session."""
        async with unit_of_work(self._database, visitor.viewer) as unit:
            await unit.login_sessions.end(visitor.token_sha256)
            unit.audit_log.record("log out", f"users/{visitor.viewer.user_id}")

    async def change_password(self, visitor: Visitor, old: str, new: str, address: str) -> str:
        """Replace one's own password, and end every session that the old one began.

        Returns:
            The cookie of a new session.

        Raises:
            WrongLoginError: the old password is another one.
            TooManyLoginsError: guesses of the old one are slowed down.
        """
        login, at = visitor.viewer.login, utc_now()
        hashed = await self._knock(login, address, at)
        if not await passwords.is_password_aside(old, hashed):
            raise WrongLoginError
        new_hash = await passwords.hash_aside(new)
        async with unit_of_work(self._database, DESK) as unit:
            user = await unit.users.by_login(login)
            if user is None or user.password_hash != hashed:
                raise WrongLoginError
            user.password_hash = new_hash
            await unit.failed_logins.forget(login)
            ended = await unit.login_sessions.end_all(user.id)
            unit.audit_log.record("change password", f"users/{user.id}", by=visitor.viewer, sessions_ended=ended)
            return await self._begin(unit, user, at, None)

    async def _knock(self, login: str, address: str, at: datetime) -> str | None:
        """Count one more login as failed, before its password is looked at; return the hash to compare with."""
        async with unit_of_work(self._database, DESK) as unit:
            # Of guesses at the same moment each one sees those before it.
            await unit.failed_logins.wait_for_turn(login)
            of_login = await unit.failed_logins.of_login(login, at - WINDOW)
            of_address = await unit.failed_logins.of_address(address, at - WINDOW)
            wait = max(wait_left(*of_login, FREE_OF_LOGIN, at), wait_left(*of_address, FREE_OF_ADDRESS, at))
            if wait > timedelta():
                raise TooManyLoginsError(wait)
            await unit.failed_logins.record(login, address, at, at - WINDOW)
            user = await unit.users.by_login(login)
            return None if user is None or user.closed_at is not None else user.password_hash

    async def _begin(self, unit: Unit, user: User, at: datetime, old_cookie: str | None) -> str:
        if (old := self._tokens.read(old_cookie)) is not None:
            await unit.login_sessions.end(old)
        cookie, token_sha256 = self._tokens.make()
        session = LoginSession(
            token_sha256=token_sha256,
            user_id=user.id,
            csrf_token=new_csrf_token(),
            created_at=at,
            expires_at=at + SESSION_LENGTH,
        )
        await unit.login_sessions.begin(session, at)
        unit.audit_log.record("log in", f"users/{user.id}", by=await unit.users.viewer_of(user))
        return cookie
