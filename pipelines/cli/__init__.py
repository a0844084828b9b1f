"""The `scorebox` command: every subcommand, in the order in which a model meets them.

A subcommand is a function; its module is imported when it is called, and its docstring is its help.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

from rich.markup import escape

from pipelines.cli.console import console
from pipelines.cli.home import do_without_home
from pipelines.cli.lazy import LazyGroup
from scoring.disk import describe
from scoring.expected import ExpectedError
from scoring.project import keep_models_in_project

JOURNAL = LazyGroup(
    "journal",
    "Read, prove, export and ship the journal of decisions.",
    {
        "verify": "pipelines.cli.journal:verify",
        "show": "pipelines.cli.journal:show",
        "export": "pipelines.cli.export:export",
        "erase": "pipelines.cli.journal:erase",
        "ship": "pipelines.cli.ship:ship",
        "migrate": "pipelines.cli.ship:migrate",
    },
)
OUTCOMES = LazyGroup(
    "outcomes",
    "Attach matured outcomes to decisions.",
    {
        "import": "pipelines.cli.outcomes:import_outcomes",
        "list": "pipelines.cli.outcomes:list_outcomes",
    },
)
DESK = LazyGroup(
    "desk",
    "Set up and serve the lending desk.",
    {
        "migrate": "desk.cli:migrate",
        "seed": "desk.cli:seed",
        "administrator": "desk.cli:administrator",
        "password": "desk.cli:password",
        "score": "desk.cli:score",
        "serve": "desk.cli:serve",
    },
)
app = LazyGroup(
    "scorebox",
    "Trains credit scorecards and puts them into the model store.",
    {
        "build": "pipelines.cli.build:build",
        "source": "pipelines.cli.sources:source",
        "parameters": "pipelines.cli.parameters:parameters",
        "ingest": "pipelines.cli.sources:ingest",
        "freshness": "pipelines.cli.freshness:freshness",
        "validate": "pipelines.cli.prepare:validate",
        "features": "pipelines.cli.prepare:features",
        "split": "pipelines.cli.prepare:split",
        "train": "pipelines.cli.train:train",
        "crossvalidate": "pipelines.cli.crossvalidate:crossvalidate",
        "export": "pipelines.cli.graphs:export",
        "quantize": "pipelines.cli.graphs:quantize",
        "explain": "pipelines.cli.explain:explain",
        "benchmark": "pipelines.cli.graphs:benchmark",
        "report": "pipelines.cli.report:report",
        "verify": "pipelines.cli.verify:verify",
        "leakage": "pipelines.cli.leakage:leakage",
        "card": "pipelines.cli.card:card",
        "push": "pipelines.cli.push:push",
        "promote": "pipelines.cli.registry:promote",
        "rollback": "pipelines.cli.registry:rollback",
        "restore": "pipelines.cli.registry:restore",
        "registry": "pipelines.cli.registry:registry",
        "bentofile": "pipelines.cli.bentofile:bentofile",
        "image": "pipelines.cli.images:image",
        "watch-image": "pipelines.cli.images:watch_image",
        "cutoff": "pipelines.cli.cutoff:cutoff",
        "challenge": "pipelines.cli.challenge:challenge",
        "compare": "pipelines.cli.compare:compare",
        "history": "pipelines.cli.history:history",
        "score": "pipelines.cli.score:score",
        "drift": "pipelines.cli.drift:drift",
        "outcomes": OUTCOMES,
        "performance": "pipelines.cli.performance:performance",
        "replay": "pipelines.cli.replay:replay",
        "journal": JOURNAL,
        "desk": DESK,
    },
)


def main() -> None:
    """Run the command; a fault of its input becomes one line and exit code 1."""
    do_without_home()
    keep_models_in_project(Path())
    try:
        app()
    except ExpectedError as error:
        _fail(str(error))
    except OSError as error:
        line = describe(error)
        if line is None:
            raise
        _fail(line)


def _fail(reason: str) -> NoReturn:
    console.print(f"[bold red]error[/] {escape(reason)}", soft_wrap=True)
    sys.exit(1)
