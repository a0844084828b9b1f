"""Arguments and options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.console import print_line
from pipelines.workspace import Workspace, find_profile
from scoring.moment import as_decision_id, parse_moment
from scoring.scorecards import names

ScorecardName = Annotated[str, typer.Argument(metavar="SCORECARD", help=f"One of: {', '.join(names())}.")]
ProfileName = Annotated[
    str | None,
    typer.Option(
        "--profile",
        help="How much work training did or does, see params.yaml; artifacts/<profile>/ has its files.",
        show_default="the one that made what serves",
    ),
]
Since = Annotated[str | None, typer.Option(help="The earliest time of a decision, ISO 8601; UTC, if it does not say.")]
Until = Annotated[str | None, typer.Option(help="The time before which decisions were made.")]
DecisionId = Annotated[str, typer.Argument(parser=as_decision_id, metavar="DECISION_ID", help="Id of a decision.")]
DecisionIds = Annotated[
    list[str] | None,
    typer.Argument(parser=as_decision_id, metavar="[DECISION_ID]...", help="Ids of decisions.", show_default=False),
]
Pushgateway = Annotated[
    str | None, typer.Option(envvar="SCOREBOX_PUSHGATEWAY", help="A Prometheus Pushgateway that gets the gauges.")
]


def workspace_of(scorecard: str, profile: str | None) -> Workspace:
    """Return the workspace of the profile; where none is given, of the one that made what serves, and print it."""
    if profile is None:
        profile, reason = find_profile(scorecard)
        if reason:
            print_line("profile", f"{profile} ({reason})")
    return Workspace(scorecard, profile)


def day(given: str) -> str:
    """Return an option that is a date, as ISO 8601 writes it.

    Raises:
        BadParameter: it is none.
    """
    try:
        return parse_moment(given).date().isoformat()
    except ValueError:
        raise typer.BadParameter("it is not a date such as 2026-10-01") from None
