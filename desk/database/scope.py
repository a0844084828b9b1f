"""Who may see which rows. Every statement of a session is limited to what its viewer may see, whoever wrote it.

The limit is the session's, not the query's: a look-up that forgets it cannot be written. A table without a rule
shows nothing to anybody but the desk itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, event, false, select, true
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction, object_mapper, with_loader_criteria

from desk.database.access import FailedLogin, LoginSession
from desk.database.audit import AuditEntry
from desk.database.base import Base
from desk.database.jobs import ScoringJob
from desk.database.people import Client, Credit, Manager, Role, User
from desk.database.work import Application, DocumentRequest, LatestScore, Note, Score, Verdict


class OutOfScopeError(RuntimeError):
    """A session was about to write a row that its viewer may not see: a fault of the desk's own code."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks. `manager_id` and `client_id` are those of the user, if it is a manager or a client."""

    user_id: int
    login: str
    role: Role
    manager_id: int | None = None
    client_id: int | None = None


DESK: None = None
"""The viewer that is no person: the desk's own work, such as the seed, and logins before anybody is known."""

Rule = Callable[[Viewer], ColumnElement[bool]]

# Tables, not entities, in what a rule looks up: the rules would be applied to their own look-ups again.
_CLIENTS, _APPLICATIONS, _MANAGERS = (table.__table__ for table in (Client, Application, Manager))


def _clients(viewer: Viewer) -> ColumnElement[bool]:
    return Client.id.in_(_client_ids(viewer))


def _client_ids(viewer: Viewer) -> Select[tuple[int]]:
    ids = select(_CLIENTS.c.id)
    match viewer.role:
        case Role.ADMINISTRATOR:
            return ids
        case Role.MANAGER:
            return ids.where(_CLIENTS.c.manager_id == viewer.manager_id)
        case Role.CLIENT:
            return ids.where(_CLIENTS.c.id == viewer.client_id)


def _credits(viewer: Viewer) -> ColumnElement[bool]:
    return Credit.client_id.in_(_client_ids(viewer))


def _applications(viewer: Viewer) -> ColumnElement[bool]:
    of_clients = Application.client_id.in_(_client_ids(viewer))
    # A draft is the client's own until it is sent.
    return of_clients if viewer.role == Role.CLIENT else of_clients & Application.submitted_at.is_not(None)


def _of_applications(table: type[Score | ScoringJob | Verdict | Note | DocumentRequest]) -> Rule:
    def rule(viewer: Viewer) -> ColumnElement[bool]:
        ids = select(_APPLICATIONS.c.id).where(_APPLICATIONS.c.client_id.in_(_client_ids(viewer)))
        return table.application_id.in_(ids)

    return rule


def _notes(viewer: Viewer) -> ColumnElement[bool]:
    return false() if viewer.role == Role.CLIENT else _of_applications(Note)(viewer)


def _managers(viewer: Viewer) -> ColumnElement[bool]:
    return Manager.id.in_(_manager_ids(viewer))


def _manager_ids(viewer: Viewer) -> Select[tuple[int]]:
    ids = select(_MANAGERS.c.id)
    match viewer.role:
        case Role.ADMINISTRATOR:
            return ids
        case Role.MANAGER:
            return ids.where(_MANAGERS.c.id == viewer.manager_id)
        case Role.CLIENT:
            own = select(_CLIENTS.c.manager_id).where(_CLIENTS.c.id == viewer.client_id)
            return ids.where(_MANAGERS.c.id.in_(own))


def _users(viewer: Viewer) -> ColumnElement[bool]:
    match viewer.role:
        case Role.ADMINISTRATOR:
            return true()
        case Role.MANAGER:
            others = select(_CLIENTS.c.user_id).where(_CLIENTS.c.id.in_(_client_ids(viewer)))
        case Role.CLIENT:
            others = select(_MANAGERS.c.user_id).where(_MANAGERS.c.id.in_(_manager_ids(viewer)))
    return (User.id == viewer.user_id) | User.id.in_(others)


def _audit_log(viewer: Viewer) -> ColumnElement[bool]:
    return true() if viewer.role == Role.ADMINISTRATOR else false()


def _login_sessions(viewer: Viewer) -> ColumnElement[bool]:
    return LoginSession.user_id == viewer.user_id


def _nobody(_: Viewer) -> ColumnElement[bool]:
    return false()


RULES: dict[Any, Rule] = {
    User: _users,
    Manager: _managers,
    Client: _clients,
    Credit: _credits,
    Application: _applications,
    Score: _of_applications(Score),
    ScoringJob: _of_applications(ScoringJob),
    LatestScore: _of_applications(LatestScore),
    Verdict: _of_applications(Verdict),
    Note: _notes,
    DocumentRequest: _of_applications(DocumentRequest),
    AuditEntry: _audit_log,
    LoginSession: _login_sessions,
    FailedLogin: _nobody,
}
"""For each table, and for each alias of one, the rows that a viewer may see."""
WRITTEN_UNSEEN = frozenset({AuditEntry})
"""Tables that a viewer adds to and may not read."""


class ScopedSession(Session):
    """A session whose statements are limited to what `info["viewer"]` may see."""


@event.listens_for(ScopedSession, "do_orm_execute")
def _limit(state: ORMExecuteState) -> None:
    viewer: Viewer | None = state.session.info["viewer"]
    if viewer is DESK or state.is_column_load or state.is_insert:
        return
    state.statement = state.statement.options(*_limits(viewer))


@lru_cache(maxsize=1_000)
def _limits(viewer: Viewer) -> tuple[Any, ...]:
    """Return the options that hold each table to its rule; SQLAlchemy remembers with them what they compile to."""
    return tuple(
        # An alias has a rule of its own: SQLAlchemy would not put the table's into the alias's words in a JOIN.
        with_loader_criteria(entity, RULES.get(entity, _nobody)(viewer))
        for entity in dict.fromkeys([*(mapper.class_ for mapper in Base.registry.mappers), *RULES])
    )


@event.listens_for(ScopedSession, "after_flush")
def _refuse_foreign_rows(session: Session, _: UOWTransaction) -> None:
    """Raise for a new or changed row that its viewer may not see; the transaction is rolled back then."""
    viewer: Viewer | None = session.info["viewer"]
    if viewer is DESK:
        return
    for written in (*session.new, *session.dirty):
        mapper = object_mapper(written)
        if mapper.class_ in WRITTEN_UNSEEN:
            continue
        key = mapper.primary_key_from_instance(written)
        same = [column == value for column, value in zip(mapper.primary_key, key, strict=True)]
        rule = RULES.get(mapper.class_, _nobody)(viewer)
        if session.connection().scalar(select(1).select_from(mapper.class_).where(*same, rule)) is None:
            raise OutOfScopeError(f"{viewer.role} {viewer.user_id} may not write {mapper.class_.__tablename__}")
