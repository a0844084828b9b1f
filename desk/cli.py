"""The commands of the desk's operator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated

import numpy as np
import typer
import uvicorn
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from desk.access import accounts
from desk.access.accounts import Login
from desk.app import create_app
from desk.database.base import utc_now
from desk.database.connection import Database
from desk.database.revisions import Revisions, Step
from desk.database.scope import DESK
from desk.repositories.unit import unit_of_work
from desk.scoring.asking import ask_for_waiting
from desk.seed import people
from desk.seed.credits import History, made_up_histories, read_histories
from desk.settings import read_settings

ASKED_AT_ONCE = 500
"""Requests for a score in one transaction."""

console = Console(stderr=True, highlight=False)


def migrate(
    step: Annotated[
        Step | None,
        typer.Option(
            help="Around a rolling release: before it, or after the last old process has ended. Default: both."
        ),
    ] = None,
) -> None:
    """Bring the desk's tables to this version's revision."""

    async def run() -> None:
        async with _database() as database:
            for done in await Revisions(database).migrate(step):
                _print("migrate", done)
            _print("migrate", f"{database.name} has all revisions{'' if step is None else f' of the step {step}'}")

    asyncio.run(run())


def seed(
    credit_history: Annotated[
        str | None,
        typer.Option(
            "--credit-history",
            metavar="FILE",
            help="Take the payments from a CSV or Parquet file with ID, MONTHS_BALANCE and STATUS, not made up.",
        ),
    ] = None,
) -> None:
    """Fill the desk with made-up people: 1,510 clients of 30 managers, 2 administrators, credits, applications."""

    def histories(generator: np.random.Generator) -> list[History]:
        if credit_history is None:
            return made_up_histories(generator, people.CLIENTS)
        return read_histories(credit_history, people.CLIENTS)

    async def run() -> None:
        async with _database() as database:
            await Revisions(database).check()
            with _steps(people.ADMINISTRATORS + people.MANAGERS + people.CLIENTS) as advance:
                async with unit_of_work(database, DESK) as unit:
                    opened = await people.seed(unit, histories, utc_now(), advance)
            if not opened:
                _print("seed", f"{database.name} has the made-up people already; nothing was changed")
                return
            _print("seed", f"{people.CLIENTS:,} clients of {people.MANAGERS} managers, all made up")
            _print_logins(opened)

    asyncio.run(run())


def score() -> None:
    """Ask for the scores of all applications that wait for one; a desk that serves fetches them."""

    async def run() -> None:
        async with _database() as database:
            await Revisions(database).check()
            asked = 0
            while True:
                async with unit_of_work(database, DESK) as unit:
                    found = await ask_for_waiting(unit, ASKED_AT_ONCE)
                if not found:
                    break
                asked += found
            _print("score", f"scores of {asked:,} applications are asked for")

    asyncio.run(run())


def password(
    logins: Annotated[list[str], typer.Argument(metavar="LOGIN...", help="Whose passwords are replaced.")],
) -> None:
    """Make new passwords, print them once, and end the sessions of the old ones."""

    async def run() -> None:
        async with _database() as database:
            await Revisions(database).check()
            async with unit_of_work(database, DESK) as unit:
                opened = [await accounts.replace_password(unit, login) for login in logins]
            _print_logins(opened)

    asyncio.run(run())


def administrator(
    login: Annotated[str, typer.Argument(help="Lower-case letters, digits, and . _ - @ between them.")],
    name: Annotated[str, typer.Option(help="The person's name, as pages show it.")],
) -> None:
    """Add an administrator, who adds everybody else, and print the password once."""

    async def run() -> None:
        async with _database() as database:
            await Revisions(database).check()
            async with unit_of_work(database, DESK) as unit:
                opened = await accounts.add_administrator(unit, login, name)
            _print_logins([opened])

    asyncio.run(run())


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on.")] = 3_100,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes; sessions are in the database, so any may answer.")
    ] = 1,
) -> None:
    """Serve the desk."""
    settings = read_settings()
    # What is wrong with a setting or the database is one line here, and a traceback of each worker later.
    create_app(settings)
    asyncio.run(_check())
    _print("serve", f"http://{host}:{port}")
    uvicorn.run(
        "desk.app:from_environment",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        forwarded_allow_ips=settings.proxies,
        server_header=False,
        # Its lines have the query, in which names are searched for.
        access_log=False,
        log_level="warning",
    )


async def _check() -> None:
    async with _database() as database:
        await Revisions(database).check()


@asynccontextmanager
async def _database() -> AsyncIterator[Database]:
    database = Database(read_settings().database.get_secret_value())
    try:
        yield database
    finally:
        await database.close()


@contextmanager
def _steps(total: int) -> Iterator[people.Advance]:
    columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda name, done: progress.update(task, description=name, advance=done)


def _print(command: str, text: str) -> None:
    console.print(f"[bold]{command:<11}[/] {escape(text)}", soft_wrap=True)


def _print_logins(opened: list[Login]) -> None:
    """Print what opens the accounts: to standard output, apart from what the command says of its work."""
    for login in opened:
        typer.echo(f"{login.role:<14} {login.login:<20} {login.password}")
