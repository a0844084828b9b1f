"""Log in and out: cookies, sessions on the server, guesses slowed down, passwords changed."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from desk.access import passwords
from desk.access.throttle import FREE_OF_ADDRESS, FREE_OF_LOGIN, LONGEST_WAIT, wait_left
from desk.access.tokens import Tokens, read_secret
from desk.database.access import FailedLogin, LoginSession
from desk.database.base import Base, utc_now
from desk.database.connection import Database
from desk.database.scope import DESK
from scoring.expected import ExpectedError
from tests.desk.conftest import PASSWORD
from tests.desk.hashing import REAL
from tests.desk.served import SECRET, ServedDesk, serving

sqlite_only = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


def move_back(address: str, table: type[Base], column: str, by: timedelta) -> None:
    """Let moments of a table be that much longer ago."""

    async def run() -> None:
        database = Database(address)
        async with database.session(DESK) as session:
            await session.execute(update(table).values({column: utc_now() - by}))
        await database.close()

    asyncio.run(run())


def test_a_login_opens_a_session_that_a_logout_ends(desk: ServedDesk) -> None:
    browser = desk.browser()
    answer = browser.log_in("Manager-01", PASSWORD)
    assert answer.json() == browser.get("/auth/me").json()
    assert {name: answer.json()[name] for name in ("login", "role", "manager_id", "client_id")} == {
        "login": "manager-01",
        "role": "manager",
        "manager_id": 1,
        "client_id": None,
    }
    cookie = browser.cookies["desk_session"]
    assert browser.post("/auth/logout").status_code == 204
    assert "desk_session" not in browser.cookies
    browser.cookies.set("desk_session", cookie)
    assert browser.get("/auth/me").status_code == 401


@sqlite_only
def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites_and_secure_behind_tls(desk: ServedDesk) -> None:
    plain = desk.browser().log_in("client-0001", PASSWORD).headers["Set-Cookie"]
    assert re.fullmatch(r"desk_session=[\w.-]+; HttpOnly; Max-Age=43200; Path=/; SameSite=lax", plain, re.IGNORECASE)
    proxied = desk.browser().post(
        "/auth/login",
        json={"login": "client-0001", "password": PASSWORD},
        headers={"X-Forwarded-Proto": "https"},
    )
    assert re.fullmatch(
        r"__Host-desk_session=[\w.-]+; HttpOnly; Max-Age=43200; Path=/; SameSite=lax; Secure",
        proxied.headers["Set-Cookie"],
        re.IGNORECASE,
    )


@sqlite_only
def test_a_session_that_somebody_else_chose_or_changed_is_none(desk: ServedDesk) -> None:
    browser = desk.browser()
    browser.cookies.set("desk_session", "chosen.by-somebody-else")
    answer = browser.log_in("client-0001", PASSWORD)
    cookie = answer.cookies["desk_session"]
    assert cookie != "chosen.by-somebody-else"
    token, _, signature = cookie.rpartition(".")
    for forged in (token, f"{token}.", f"{token}x.{signature}", Tokens("x" * 32).make()[0], Tokens(SECRET).make()[0]):
        assert httpx.get(f"{desk.address}/auth/me", cookies={"desk_session": forged}).status_code == 401


@sqlite_only
def test_a_login_ends_the_session_that_the_browser_had_and_no_other(desk: ServedDesk) -> None:
    browser, other = desk.browser("client-0001"), desk.browser("client-0001")
    first = browser.cookies["desk_session"]
    browser.log_in("client-0001", PASSWORD)
    assert browser.cookies["desk_session"] != first
    assert httpx.get(f"{desk.address}/auth/me", cookies={"desk_session": first}).status_code == 401
    assert other.get("/auth/me").status_code == browser.get("/auth/me").status_code == 200


@sqlite_only
def test_a_session_ends_after_a_day_s_work_and_at_the_closing_of_the_account(desk: ServedDesk) -> None:
    browser, manager = desk.browser("client-0001"), desk.browser("manager-01")
    administrator = desk.browser("administrator-1")
    assert administrator.post("/managers/1/dismissal").status_code == 200
    assert manager.get("/auth/me").status_code == 401
    assert desk.browser().log_in("manager-01", PASSWORD).status_code == 401
    assert browser.get("/auth/me").status_code == 200
    move_back(desk.database, LoginSession, "expires_at", timedelta())
    assert browser.get("/auth/me").status_code == 401


def test_a_changed_password_ends_every_session_and_opens_one_here(desk: ServedDesk) -> None:
    browser, other = desk.browser("client-0002"), desk.browser("client-0002")
    wrong = browser.post("/auth/password", json={"old": "not it", "new": "a longer password"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "old")
    answer = browser.post("/auth/password", json={"old": PASSWORD, "new": "a longer password"})
    assert answer.status_code == 200
    browser.csrf_token = answer.json()["csrf_token"]
    assert browser.get("/auth/me").status_code == 200
    assert other.get("/auth/me").status_code == 401
    assert desk.browser().log_in("client-0002", PASSWORD).status_code == 401
    assert desk.browser().log_in("client-0002", "a longer password").status_code == 200


def test_guesses_of_a_password_are_slowed_down_by_account_and_forgotten(desk: ServedDesk) -> None:
    guesser = desk.browser()
    statuses = [guesser.log_in("client-0001", f"guess {number}").status_code for number in range(FREE_OF_LOGIN)]
    assert statuses == [401] * FREE_OF_LOGIN
    move_back(desk.database, FailedLogin, "at", timedelta(minutes=-10))
    # The right password too is not looked at before the wait is over; an unknown login gets the same.
    for login in ("client-0001", "CLIENT-0001"):
        answer = guesser.log_in(login, PASSWORD)
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 601
    assert desk.browser().log_in("client-0002", PASSWORD).status_code == 200
    move_back(desk.database, FailedLogin, "at", timedelta(seconds=1))
    assert guesser.log_in("client-0001", PASSWORD).status_code == 200
    # Its failures are forgotten.
    assert guesser.log_in("client-0001", "guess").status_code == 401


@sqlite_only
def test_unknown_logins_are_answered_and_slowed_down_like_known_ones(desk: ServedDesk) -> None:
    answers = {
        login: [desk.browser().log_in(login, "a guess") for _ in range(FREE_OF_LOGIN + 1)]
        for login in ("client-0001", "client-9999", "client-0003")
    }
    seen = {login: [(answer.status_code, answer.content) for answer in given] for login, given in answers.items()}
    assert seen["client-9999"][:FREE_OF_LOGIN] == seen["client-0001"][:FREE_OF_LOGIN] == seen["client-0003"][:5]
    assert {status for (status, _) in seen["client-9999"][:FREE_OF_LOGIN]} == {401}


def test_guesses_at_the_same_moment_are_counted_one_by_one(desk: ServedDesk) -> None:
    async def guess() -> list[int]:
        database = Database(desk.database)
        async with database.session(DESK) as session:
            # The wait of so many is over, and that after one more is the longest.
            before = utc_now() - LONGEST_WAIT
            session.add_all(FailedLogin(login="client-0001", address="elsewhere", at=before) for _ in range(20))
        await database.close()
        async with httpx.AsyncClient(base_url=desk.address, timeout=60) as browser:
            body = {"login": "client-0001", "password": "a guess"}
            return [
                answer.status_code
                for answer in await asyncio.gather(*(browser.post("/auth/login", json=body) for _ in range(12)))
            ]

    assert sorted(asyncio.run(guess())) == [401] + [429] * 11


@sqlite_only
def test_an_address_that_tries_many_logins_is_slowed_down(desk: ServedDesk) -> None:
    async def fail() -> None:
        database = Database(desk.database)
        async with database.session(DESK) as session:
            session.add_all(
                FailedLogin(login=f"client-{number}", address="127.0.0.1") for number in range(FREE_OF_ADDRESS)
            )
        await database.close()

    asyncio.run(fail())
    assert desk.browser().log_in("client-0001", PASSWORD).status_code == 429
    elsewhere = desk.browser().post(
        "/auth/login",
        json={"login": "client-0001", "password": PASSWORD},
        headers={"X-Forwarded-For": "192.0.2.7"},
    )
    assert elsewhere.status_code == 200


@given(failed=st.integers(0, 10_000), ago=st.floats(0, 1_000))
def test_the_wait_grows_with_each_failure_and_has_an_end(failed: int, ago: float) -> None:
    at = utc_now()
    last = at - timedelta(seconds=ago)
    wait = wait_left(failed, last, FREE_OF_LOGIN, at)
    assert timedelta() <= wait <= LONGEST_WAIT
    assert wait <= wait_left(failed + 1, last, FREE_OF_LOGIN, at)
    if failed < FREE_OF_LOGIN:
        assert wait == timedelta()


def test_a_password_is_hashed_with_argon2id_and_a_missing_hash_takes_as_long_as_a_wrong_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passwords, "_hasher", REAL)
    passwords._nobody_s.cache_clear()
    hashed = passwords.hash_password(PASSWORD)
    # The second of RFC 9106's recommendations.
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.is_password(PASSWORD, hashed)
    assert not passwords.is_password(PASSWORD + "x", hashed)
    work: list[str] = []
    hasher = passwords._hasher()
    verify = type(hasher).verify

    class Counting(type(hasher)):  # type: ignore[misc]
        def verify(self, password: str, hashed: str) -> bool:
            work.append(hashed)
            return bool(verify(self, password, hashed))

    hasher.__class__ = Counting
    try:
        assert not passwords.is_password("a guess", hashed)
        assert not passwords.is_password("a guess", None)
    finally:
        hasher.__class__ = Counting.__base__
    # The parameters decide how long it takes: the same ones are checked once for each.
    assert [found.split("$")[:4] for found in work] == [hashed.split("$")[:4]] * 2


def test_a_desk_in_sqlite_makes_a_secret_of_its_own_and_one_in_postgresql_must_be_given_one(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/desk.sqlite")
    secret = read_secret(None, database)
    assert read_secret(None, database) == secret
    assert (tmp_path / "desk.secret").stat().st_mode & 0o777 == 0o600
    assert read_secret("given", database) == "given"
    (tmp_path / "desk.secret").write_text("short")
    with pytest.raises(ExpectedError, match=r"desk\.secret holds no secret of 32 characters"):
        read_secret(None, database)
    with pytest.raises(ExpectedError, match="SCOREBOX_DESK_SECRET: 32 or more characters"):
        read_secret(None, Database("postgresql://desk@127.0.0.1/desk"))


@sqlite_only
def test_another_process_of_the_desk_knows_the_session(desk: ServedDesk) -> None:
    browser = desk.browser("client-0001")
    with serving(desk.database) as second:
        other = second.browser()
        other.cookies = browser.cookies
        assert other.get("/auth/me").json() == browser.get("/auth/me").json()


def test_who_saw_and_changed_what_is_in_the_audit_log(desk: ServedDesk) -> None:
    manager, administrator, client = (desk.browser(login) for login in ("manager-01", "administrator-1", "client-0001"))
    manager.get("/clients/1")
    manager.get("/managers/1/clients?search=ada")
    client.get("/clients/1")
    client.get("/dashboard/client/export")
    desk.browser().log_in("manager-01", "a guess")
    administrator.put("/clients/1/manager", json={"manager_id": 2, "version": 1})
    opened = administrator.post("/users", json={"login": "new-one", "full_name": "New", "role": "client"}).json()
    log = administrator.get("/audit-log?size=200").json()
    entries = [(row["login"], row["action"], row["subject"], row["client_id"]) for row in log["rows"]][::-1]
    assert entries == [
        ("operator", "seed desk", "users", None),
        ("manager-01", "log in", "users/3", None),
        ("administrator-1", "log in", "users/1", None),
        ("client-0001", "log in", "users/33", None),
        ("manager-01", "see client", "clients/1", 1),
        ("manager-01", "list clients", "managers/1", None),
        ("client-0001", "export data", "clients/1", 1),
        ("manager-01", "fail login", "users/3", None),
        ("administrator-1", "assign client", "clients/1", 1),
        ("administrator-1", "add user", f"users/{opened['id']}", opened["client_id"]),
    ]
    assert "Ada" not in str(log)
    one = administrator.get("/audit-log", params={"login": "manager-01", "client_id": 1}).json()
    assert [row["action"] for row in one["rows"]] == ["see client"]
    assert manager.get("/clients/1").status_code == 404
    assert opened["password"]
    assert desk.browser().log_in("new-one", opened["password"]).json()["client_id"] == opened["client_id"]
