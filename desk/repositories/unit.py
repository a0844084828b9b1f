"""One unit of work: every repository on the same transaction, limited to what one viewer may see."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from desk.database.connection import Database
from desk.database.scope import Viewer
from desk.repositories.applications import Applications
from desk.repositories.audit import AuditLog
from desk.repositories.clients import Clients
from desk.repositories.failed_logins import FailedLogins
from desk.repositories.login_sessions import LoginSessions
from desk.repositories.managers import Managers
from desk.repositories.scoring_jobs import ScoringJobs
from desk.repositories.users import Users


class Unit:
    """The repositories of one transaction.

    Attributes:
        viewer: who asks; `scope.DESK` for the desk itself.
    """

    def __init__(self, session: AsyncSession, viewer: Viewer | None) -> None:
        self.viewer = viewer
        self.users = Users(session)
        self.managers = Managers(session)
        self.clients = Clients(session)
        self.applications = Applications(session)
        self.scoring_jobs = ScoringJobs(session)
        self.login_sessions = LoginSessions(session)
        self.failed_logins = FailedLogins(session)
        self.audit_log = AuditLog(session, viewer)


@asynccontextmanager
async def unit_of_work(database: Database, viewer: Viewer | None, *, reading: bool = False) -> AsyncIterator[Unit]:
    """Run a block whose changes are kept together at its end, or none of them if it raises.

    Args:
        database: the desk's.
        viewer: who asks.
        reading: the block changes nothing.

    Raises:
        DatabaseAwayError: the database does not serve, or goes away meanwhile.
        ConflictError: somebody else changed meanwhile what the block changes.
    """
    async with database.session(viewer, reading=reading) as session:
        yield Unit(session, viewer)
