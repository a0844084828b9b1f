"""Whoever asks sees their own rows only, whatever the statement."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from desk.database.access import FailedLogin, LoginSession
from desk.database.audit import AuditEntry
from desk.database.base import Base, utc_now
from desk.database.connection import Database
from desk.database.people import Client, Credit, Manager, Role, User
from desk.database.scope import DESK, RULES, OutOfScopeError, Viewer
from desk.database.work import Application, DocumentRequest, LatestScore, Note, Score, Status
from desk.repositories.paging import Page
from desk.repositories.unit import unit_of_work
from desk.seed.people import ADMINISTRATORS, CLIENTS, MANAGERS
from tests.conftest import PROJECT

anyio = pytest.mark.anyio
OWN = 51
"""The clients of manager-01: 1,510 among 30, the first ten managers one more."""


async def viewer_of(database: Database, login: str) -> Viewer:
    async with unit_of_work(database, DESK) as unit:
        user = await unit.users.by_login(login)
        assert user is not None
        return await unit.users.viewer_of(user)


async def count(session: AsyncSession, table: type[Base]) -> int:
    return await session.scalar(select(func.count()).select_from(table)) or 0


def test_every_table_has_a_rule() -> None:
    assert set(RULES) - {LatestScore} == {mapper.class_ for mapper in Base.registry.mappers}


@anyio
@pytest.mark.parametrize(
    ("login", "seen"),
    [
        ("administrator-1", {Client: CLIENTS, Manager: MANAGERS, User: CLIENTS + MANAGERS + ADMINISTRATORS}),
        ("manager-01", {Client: OWN, Credit: OWN, Application: OWN, Manager: 1, User: OWN + 1, AuditEntry: 0}),
        ("client-0001", {Client: 1, Credit: 1, Application: 1, Manager: 1, User: 2, AuditEntry: 0}),
    ],
)
async def test_a_count_without_a_condition_counts_what_the_viewer_may_see(
    database: Database, login: str, seen: dict[type[Base], int]
) -> None:
    async with database.session(await viewer_of(database, login)) as session:
        assert {table: await count(session, table) for table in seen} == seen


@anyio
@pytest.mark.parametrize(
    "query",
    [
        lambda: select(Client).where(Client.id == 2),
        lambda: select(Client.days_employed_bin).where(Client.id == 2),
        lambda: select(Credit).join(Client, Client.id == Credit.client_id).where(Client.id == 2),
        lambda: select(User).join(Client, Client.user_id == User.id).where(Client.id == 2),
        lambda: select(User.full_name).where(User.id.in_(select(Client.user_id).where(Client.id == 2))),
        lambda: select(func.max(Application.id)).where(Application.client_id == 2),
    ],
)
async def test_no_query_reaches_the_client_of_another_manager(
    database: Database, query: Callable[[], Select[*tuple[object, ...]]]
) -> None:
    """Client 2 is manager-02's; the viewer looks after client 1."""
    async with database.session(await viewer_of(database, "manager-01")) as session:
        found = [row[0] for row in await session.execute(query())]
    others = [value for value in found if value is not None and not isinstance(value, Client)]
    assert others == []
    assert {client.manager_id for client in found if isinstance(client, Client)} <= {1}


@anyio
async def test_no_look_up_by_key_reaches_the_client_of_another_manager(database: Database) -> None:
    async with database.session(await viewer_of(database, "manager-01")) as session:
        assert await session.get(Client, 1) is not None
        assert await session.get(Client, 2) is None
        assert await session.get(Credit, 2) is None


@anyio
async def test_updates_and_deletes_reach_the_viewer_s_rows_only(database: Database) -> None:
    async with database.session(await viewer_of(database, "manager-01")) as session:
        changed = await session.scalars(update(Client).values(days_employed_bin=3).returning(Client.manager_id))
        assert [*changed] == [1] * OWN
        await session.execute(delete(Credit))
    async with database.session(DESK) as session:
        assert await count(session, Credit) == CLIENTS - OWN


@anyio
async def test_a_row_of_another_manager_s_client_is_not_written(database: Database) -> None:
    viewer = await viewer_of(database, "manager-01")
    for foreign in (
        Note(application_id=2, user_id=viewer.user_id, text="mine?"),
        DocumentRequest(application_id=2, user_id=viewer.user_id, document="a proof of income"),
        Application(client_id=2, scorecard="card_approval", fields={}),
        User(login="new-one", full_name="New One", role=Role.ADMINISTRATOR),
    ):
        with pytest.raises(OutOfScopeError):
            async with database.session(viewer) as session:
                session.add(foreign)
    async with database.session(DESK) as session:
        assert await count(session, Note) == await count(session, DocumentRequest) == 0
        assert await count(session, Application) == CLIENTS


@anyio
async def test_a_row_is_not_moved_out_of_the_viewer_s_reach(database: Database) -> None:
    viewer = await viewer_of(database, "client-0001")

    async def give_away() -> None:
        async with database.session(viewer) as session:
            (application,) = await session.scalars(select(Application))
            application.client_id = 2

    with pytest.raises(OutOfScopeError):
        await give_away()
    async with database.session(DESK) as session:
        assert await count(session, Application) == CLIENTS


def score_of(application_id: int, pd: float) -> Score:
    return Score(
        application_id=application_id, request_id=uuid4(), decision_id=uuid4(), score=pd, decision="approve",
        model="card_approval:1", policy="p", band="A" if pd < 0.5 else "E", points=600, cutoff=0.5,
        fields={}, reasons=[],
    )  # fmt: skip


@anyio
async def test_queues_and_counts_show_the_latest_scores_of_the_viewer_s_own_applications(database: Database) -> None:
    """Applications 1 and 31 are of manager-01's clients, 2 is not; one statement serves viewer after viewer."""
    async with database.session(DESK) as session:
        for application_id, pd in ((1, 0.9), (1, 0.1), (2, 0.2), (31, 0.8)):
            session.add(score_of(application_id, pd))
            await session.flush()
    seen: dict[str, dict[int, float | None]] = {}
    for login in ("manager-01", "manager-02", "client-0001", "administrator-1", "manager-01"):
        async with unit_of_work(database, await viewer_of(database, login)) as unit:
            queue = await unit.applications.queue(Page(size=200), order="band")
            seen[login] = {row[0].id: row[4].score for row in queue.rows if row[4] is not None}
            bands = await unit.applications.count_by_band()
            assert sum(bands.values()) == len(seen[login])
            assert sum((await unit.applications.count_by_status()).values()) == queue.total
    assert seen == {
        "manager-01": {1: 0.1, 31: 0.8},
        "manager-02": {2: 0.2},
        "client-0001": {1: 0.1},
        "administrator-1": {1: 0.1, 2: 0.2, 31: 0.8},
    }
    assert bands == {"A": 1, "E": 1}
    async with unit_of_work(database, await viewer_of(database, "manager-01")) as unit:
        worst = await unit.applications.queue(Page(size=1), order="band", descending=True, band="E")
        assert [(row[0].id, worst.total) for row in worst.rows] == [(31, 1)]
        assert (await unit.applications.queue(Page(), statuses=[Status.DECIDED])).total == 0
        some = await unit.applications.queue(Page(), search="CLIENT-0001")
        assert [row[0].id for row in some.rows] == [1]
        assert (await unit.applications.queue(Page(), search="%")).total == 0


@anyio
async def test_clients_see_no_notes_and_only_administrators_the_audit_log(database: Database) -> None:
    manager = await viewer_of(database, "manager-01")
    async with unit_of_work(database, manager) as unit:
        await unit.applications.record(Note(application_id=1, user_id=manager.user_id, text="called back"))
        unit.audit_log.record("see client", "clients/1", client_id=1)
        assert [note.text for note in await unit.applications.notes(1)] == ["called back"]
        assert (await unit.audit_log.page(Page())).total == 0
    async with unit_of_work(database, await viewer_of(database, "client-0001")) as unit:
        assert await unit.applications.notes(1) == []
        assert (await unit.audit_log.page(Page())).total == 0
    async with unit_of_work(database, await viewer_of(database, "administrator-1")) as unit:
        page = await unit.audit_log.page(Page())
        assert [entry.action for entry in page.rows] == ["see client", "seed desk"]


@anyio
async def test_people_see_their_own_sessions_and_nobody_sees_failed_logins(database: Database) -> None:
    viewers = [await viewer_of(database, login) for login in ("administrator-1", "client-0001")]
    async with database.session(DESK) as session:
        for number, viewer in enumerate(viewers):
            session.add(
                LoginSession(
                    token_sha256=bytes([number]) * 32, user_id=viewer.user_id, csrf_token="t", expires_at=utc_now()
                )
            )
        session.add(FailedLogin(login="client-0001", address="127.0.0.1"))
    for viewer in viewers:
        async with database.session(viewer) as session:
            assert [*await session.scalars(select(LoginSession.user_id))] == [viewer.user_id]
            assert await count(session, FailedLogin) == 0


@anyio
async def test_a_client_of_no_manager_is_seen_by_administrators_and_themselves(database: Database) -> None:
    administrator = await viewer_of(database, "administrator-1")
    async with unit_of_work(database, administrator) as unit:
        found = await unit.managers.get(1)
        assert found is not None
        assert await unit.managers.dismiss(*found) == OWN
    async with unit_of_work(database, administrator) as unit:
        assert (await unit.clients.page(Page(), unassigned=True)).total == OWN
        assert await unit.clients.count() == CLIENTS
    async with unit_of_work(database, await viewer_of(database, "client-0001")) as unit:
        assert await unit.clients.get(1) is not None
        assert await unit.managers.get(1) is None


def statements(path: Path) -> Iterator[str]:
    """Yield what a module uses of SQLAlchemy that could reach rows past the session's limit."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.ImportFrom(module=str(module), names=names) if module.split(".")[0] == "sqlalchemy":
                yield from (f"{module}.{name.name}" for name in names)
            case ast.Attribute(attr="__table__" | "engine" | "connection" | "no_autoflush" as name):
                yield f".{name}"
            case ast.Attribute(attr="execution_options" | "from_statement" | "exec_driver_sql" as name):
                yield f".{name}"


def test_statements_are_in_repositories_which_use_nothing_that_would_go_round_the_limit() -> None:
    """An entity is limited wherever it stands in a statement; text, bare tables, connections, new aliases are not."""
    round_about = {"sqlalchemy.text", "sqlalchemy.table", "sqlalchemy.literal_column", "sqlalchemy.orm.aliased"}
    for path in (PROJECT / "desk").rglob("*.py"):
        room = path.relative_to(PROJECT / "desk").parts[0]
        used = set(statements(path))
        if room == "repositories":
            assert not used & round_about, path
            assert not {name for name in used if name.startswith(".")}, path
        elif room != "database":
            assert used == set(), path
