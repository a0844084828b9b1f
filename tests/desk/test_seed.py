"""The commands that set a desk up: made-up people once and evenly, payments from a file, passwords printed once."""

from __future__ import annotations

import re
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from desk.access import passwords
from desk.access.accounts import replace_password
from desk.database.access import LoginSession
from desk.database.base import utc_now
from desk.database.connection import ConflictError, Database
from desk.database.people import Client, Credit, Role, User
from desk.database.revisions import Revisions
from desk.database.scope import DESK
from desk.repositories.paging import Page
from desk.repositories.unit import unit_of_work
from desk.seed.credits import STATUSES, made_up_histories, read_histories
from desk.seed.people import ADMINISTRATORS, CLIENTS, employment_bin, seed
from pipelines import cli
from scoring.expected import DataError, ExpectedError
from scoring.scorecards import load

anyio = pytest.mark.anyio


@anyio
async def test_clients_are_spread_evenly_each_with_credit_payments_and_an_application_that_the_scorecard_takes(
    database: Database,
) -> None:
    async with unit_of_work(database, DESK) as unit:
        managers = await unit.managers.in_office()
        assert [clients for _, _, clients in managers] == [51] * 10 + [50] * 20
        assert (await unit.users.page(Page(), Role.ADMINISTRATOR)).total == ADMINISTRATORS
        assert (await unit.clients.page(Page())).total == CLIENTS
        queue = await unit.applications.queue(Page(size=200))
        whole = [
            (await unit.applications.get(application.id), await unit.clients.get(client.id), score)
            for application, client, _, _, score in queue.rows
        ]
    assert queue.total == CLIENTS
    application_model = load("card_approval").application
    for application, file, score in whole:
        assert application is not None
        assert file is not None
        client, user, credit = file.client, file.user, file.credit
        fields = application_model.model_validate(application.fields).model_dump(by_alias=True)
        assert client.days_employed_bin == employment_bin(fields["DAYS_EMPLOYED"])
        assert user.is_made_up
        assert score is None
        assert credit is not None
        assert credit.amount_total == credit.amount_total.quantize(Decimal("0.01")) >= 5_000
        assert Decimal("0.07") < credit.annual_rate < Decimal("0.25")
        months = [payment["month"] for payment in credit.payment_history]
        assert months == [*range(1 - len(months), 1)]
        assert {payment["status"] for payment in credit.payment_history} <= set(STATUSES)
    sent = [application.submitted_at for application, *_ in queue.rows if application.submitted_at]
    assert len(sent) == 200
    assert sent == sorted(sent)


@pytest.mark.parametrize(
    ("days", "number"),
    [(365_243, 0), (0, 1), (-1, 1), (-365, 1), (-366, 2), (-1_095, 2), (-3_650, 4), (-3_651, 5), (-14_601, 6)],
)
def test_the_bins_of_employment_are_the_published_ones(days: int, number: int) -> None:
    assert employment_bin(days) == number


class Desk:
    """The commands of a desk, as its operator gives them."""

    def __init__(self, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._patch = patch
        self._capsys = capsys

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of a command."""
        self._patch.setattr(sys, "argv", ["scorebox", "desk", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = self._capsys.readouterr()
        return code, out, err


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(monkeypatch, capsys)


def test_an_operator_makes_fills_and_opens_a_desk(desk: Desk) -> None:
    assert desk.run("seed") == (1, "", "error desk.sqlite lacks this version's tables: scorebox desk migrate\n")
    assert desk.run("migrate", "--step", "before")[0] == 0
    code, out, err = desk.run("seed")
    assert code == 0
    assert re.search(r"1,510 clients of 30 managers, all made up", err)
    logins = [line.split() for line in out.splitlines()]
    assert [login[:2] for login in logins] == [
        ["administrator", "administrator-1"],
        ["manager", "manager-01"],
        ["client", "client-0001"],
    ]
    assert len({password for _, _, password in logins}) == 3
    code, out, err = desk.run("seed")
    assert (code, out) == (0, "")
    assert "has the made-up people already; nothing was changed" in err
    assert "scores of 1,510 applications are asked for" in desk.run("score")[2]
    assert "scores of 0 applications are asked for" in desk.run("score")[2]
    assert desk.run("password", "client-0002", "nobody") == (1, "", "error the desk has no user nobody\n")
    code, out, _ = desk.run("password", "CLIENT-0002")
    assert out.startswith("client         client-0002 ")
    code, out, _ = desk.run("administrator", "Boss@Example.com", "--name", "  The   Boss ")
    assert out.startswith("administrator  boss@example.com ")
    for arguments, error in (
        (("administrator", "boss@example.com", "--name", "Again"), "login: the desk has a user boss@example.com"),
        (("administrator", "-boss", "--name", "x"), None),
        (("administrator", "the boss", "--name", "x"), "login: letters, digits"),
        (("administrator", "second", "--name", "x" * 121), "name: 1 to 120 characters"),
    ):
        code, out, err = desk.run(*arguments)
        assert (code != 0, out) == (True, "")
        assert error is None or error in err


def test_a_setting_that_breaks_its_rule_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOREBOX_DESK_DATABASE", "mysql://clerk:secret@host/desk")
    code, _, err = desk.run("migrate")
    assert code == 1
    assert "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME" in err
    assert "secret" not in err


def test_payments_are_read_from_a_file_in_any_order_and_a_broken_one_leaves_the_desk_empty(
    desk: Desk, tmp_path: Path
) -> None:
    rows = [f"{7_000 + client},{month},{'C' if client % 2 else 0}" for month in (0, -2, -1) for client in range(1_600)]
    file = tmp_path / "credit_record.csv"
    file.write_text("ID,MONTHS_BALANCE,STATUS\n" + "\n".join(rows[:-3_000]) + "\n")
    desk.run("migrate")
    for broken, error in (
        ("7000,0,9", "STATUS: "),
        ("7000,1,C", "MONTHS_BALANCE: "),
        ("seven,0,C", "ID: "),
        ("7000,0", "row 1,800: "),
        ("7000,0,C", "client 7000 has two statuses in month 0"),
    ):
        worse = tmp_path / "worse.csv"
        worse.write_text(file.read_text() + broken + "\n")
        code, out, err = desk.run("seed", "--credit-history", str(worse))
        assert (code, out) == (1, "")
        assert error in err
    code, _, err = desk.run("seed", "--credit-history", str(file))
    assert code == 0
    assert "1,510 clients of 30 managers" in err


def test_a_file_of_payments_that_lacks_clients_or_a_column_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "few.csv"
    file.write_text("ID,MONTHS_BALANCE,STATUS\n1,0,C\n1,-1,0\n2,0,X\n")
    assert read_histories(str(file), 2) == [
        [{"month": -1, "status": "0"}, {"month": 0, "status": "C"}],
        [{"month": 0, "status": "X"}],
    ]
    with pytest.raises(DataError, match="has the payments of 2 clients, 3 are needed"):
        read_histories(str(file), 3)
    file.write_text("ID,MONTHS_BALANCE\n1,0\n")
    with pytest.raises(DataError, match="STATUS: Column is missing"):
        read_histories(str(file), 1)
    with pytest.raises(DataError, match="there is no"):
        read_histories(str(tmp_path / "none.csv"), 1)


@anyio
async def test_a_new_password_ends_the_sessions_that_the_old_one_began(database: Database) -> None:
    async with unit_of_work(database, DESK) as unit:
        user = await unit.users.by_login("client-0007")
        assert user is not None
        assert not passwords.is_password("", user.password_hash)
        for number in range(2):
            login_session = LoginSession(
                token_sha256=bytes([number]) * 32, user_id=user.id, csrf_token="t", expires_at=utc_now()
            )
            await unit.login_sessions.begin(login_session, login_session.expires_at.replace(year=2020))
        first = await replace_password(unit, "Client-0007")
        second = await replace_password(unit, "client-0007")
    async with database.session(DESK) as session:
        assert [*await session.scalars(select(LoginSession))] == []
        hashed = await session.scalar(select(User.password_hash).where(User.login == "client-0007"))
    assert passwords.is_password(second.password, hashed)
    assert not passwords.is_password(first.password, hashed)


@anyio
async def test_of_two_who_change_a_client_the_second_is_told_and_nothing_of_theirs_is_kept(database: Database) -> None:
    async with unit_of_work(database, DESK) as unit:
        read_before = await unit.clients.get(1)
    assert read_before is not None
    async with unit_of_work(database, DESK) as unit:
        found, manager = await unit.clients.get(1), await unit.managers.get(2)
        assert found
        assert manager
        await unit.clients.assign(found.client, manager[0])

    async def change_what_was_read_before() -> None:
        async with database.session(DESK) as session:
            session.add(read_before.client)
            read_before.client.manager_id = 3

    with pytest.raises(ConflictError, match="somebody else changed the same meanwhile: nothing was kept"):
        await change_what_was_read_before()
    async with database.session(DESK) as session:
        assert await session.scalar(select(Client.manager_id).where(Client.id == 1)) == 2


@anyio
async def test_a_desk_where_somebody_has_one_of_the_logins_is_not_filled(empty: Database) -> None:
    await Revisions(empty).migrate()
    async with unit_of_work(empty, DESK) as unit:
        await unit.users.add(User(login="manager-03", full_name="Somebody", role=Role.MANAGER))

    async def fill() -> None:
        async with unit_of_work(empty, DESK) as unit:
            await seed(unit, lambda random: made_up_histories(random, CLIENTS), utc_now(), lambda name, done: None)

    with pytest.raises(ExpectedError, match="has a user manager-03 who is none of the made-up people"):
        await fill()
    async with unit_of_work(empty, DESK) as unit:
        assert (await unit.users.page(Page())).total == 1


@anyio
async def test_amounts_and_rates_are_exact_and_sort_as_numbers(database: Database) -> None:
    async with database.session(DESK) as session:
        (first, second) = await session.scalars(select(Credit).order_by(Credit.id).limit(2))
        first.amount_total, second.amount_total = Decimal("999999999999.99"), Decimal("0.01")
        first.annual_rate = Decimal("0.1234")
    async with database.session(DESK) as session:
        found = [*await session.scalars(select(Credit.amount_total).order_by(Credit.amount_total))]
        assert found[0] == Decimal("0.01")
        assert found[-1] == Decimal("999999999999.99")
        assert await session.scalar(select(Credit.annual_rate).where(Credit.id == 1)) == Decimal("0.1234")
