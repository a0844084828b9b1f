"""Write and read the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from desk.database.audit import AuditEntry
from desk.database.scope import Viewer
from desk.repositories.paging import Page, Paged, read_page

OPERATOR = "operator"
"""The login in the log of who gives commands to the desk's machine."""


class AuditLog:
    """The audit log; everybody writes, administrators read."""

    def __init__(self, session: AsyncSession, viewer: Viewer | None) -> None:
        self._session = session
        self._viewer = viewer

    def record(
        self, action: str, subject: str, client_id: int | None = None, by: Viewer | None = None, **details: Any
    ) -> None:
        """Note what the viewer saw or did, in the transaction in which it happens.

        Args:
            action: verb and noun, such as `see client`.
            subject: table and key, such as `clients/17`.
            client_id: whose data it is about.
            by: who it was, where that is known only now; the viewer if not given.
            details: names of fields and the like; no values of a person's fields, no secrets.
        """
        by = by or self._viewer
        self._session.add(
            AuditEntry(
                user_id=None if by is None else by.user_id,
                login=OPERATOR if by is None else by.login,
                action=action,
                subject=subject,
                client_id=client_id,
                details=details,
            )
        )

    async def page(
        self,
        page: Page,
        login: str = "",
        action: str = "",
        client_id: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Paged[AuditEntry]:
        """Return a page of the log, the newest first; only what fits every filter that is given."""
        query = select(AuditEntry).order_by(AuditEntry.id.desc())
        if login:
            query = query.where(AuditEntry.login == login.lower())
        if action:
            query = query.where(AuditEntry.action == action)
        if client_id is not None:
            query = query.where(AuditEntry.client_id == client_id)
        if since is not None:
            query = query.where(AuditEntry.at >= since)
        if until is not None:
            query = query.where(AuditEntry.at < until)
        return await read_page(self._session, query, page)
