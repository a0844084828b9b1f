"""The cut-off policy."""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic import ValidationError

from pipelines.cli.console import print_line, print_warning
from pipelines.cli.options import ProfileName, ScorecardName, workspace_of
from pipelines.cli.tables import AsJson, Column, print_json, print_table
from pipelines.governance import cutoff as policies
from pipelines.governance.cutoff import Compared, CutoffReport
from pipelines.params import read_params
from pipelines.workspace import Workspace
from scoring.errors import field_errors
from scoring.policy import Assumptions, CutoffPolicy
from scoring.scorecard import Scorecard
from scoring.scorecards import load
from training.errors import StageError

OPTIONS = {"lowest_approval_rate": "approval-rate", "loss_given_default": "loss-given-default"}
"""Options of the fields that have other names."""


def cutoff(
    scorecard: ScorecardName,
    loss_given_default: Annotated[
        float, typer.Option(help="Lost by an approved unit of exposure that defaults.")
    ] = 0.75,
    margin: Annotated[float, typer.Option(help="Earned by an approved unit of exposure that does not.")] = 0.25,
    approval_rate: Annotated[float, typer.Option(help="Lowest share of applications to approve.")] = 0.0,
    profile: ProfileName = None,
    by_hand: Annotated[float | None, typer.Option("--cutoff", help="Set this one instead of searching.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for a cut-off set by hand; kept in the policy.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Put the policy in force; else nothing changes.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Go back to the scorecard's own cut-off.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find the cut-off of the highest expected profit on the champion's test rows, and compare it with the present."""
    card, workspace = load(scorecard), workspace_of(scorecard, profile)
    if reset:
        _reset(card, workspace, by_hand is not None or reason is not None or write)
        return
    assumptions, stated = _checked(card, loss_given_default, margin, approval_rate, by_hand, reason)
    report = policies.cutoff(card, workspace, read_params(), assumptions, stated)
    if as_json:
        print_json(report)
    else:
        _print_report(report, floor_counts=stated is None)
    print_line("cutoff", f"curve and figures: {workspace.cutoff_plot}, {workspace.cutoff}")
    proposed = report.proposed
    if write:
        proposed.policy.write(workspace.policy)
        print_line("cutoff", f"{proposed.policy_id} is in force: {workspace.policy}")
    elif proposed.policy_id == report.present.policy_id:
        print_line("cutoff", f"{proposed.policy_id} is in force already")
    else:
        print_line(
            "cutoff", f"{report.present.policy_id} stays in force; {proposed.policy_id} replaces it with --write"
        )


def _reset(card: Scorecard, workspace: Workspace, more: bool) -> None:
    if more:
        raise StageError("--reset stands alone: it goes back to the scorecard's own cut-off at once")
    own = CutoffPolicy.of(card)
    done = f"{workspace.policy} is gone" if policies.reset(workspace) else "there was no other policy"
    print_line("cutoff", f"{own.id} is in force, the scorecard's own cut-off of {own.cutoff:.4g}: {done}")


def _checked(
    card: Scorecard,
    loss_given_default: float,
    margin: float,
    approval_rate: float,
    by_hand: float | None,
    reason: str | None,
) -> tuple[Assumptions, CutoffPolicy | None]:
    if (by_hand is None) != (reason is None):
        raise StageError('a cut-off is set by hand with both --cutoff and --reason "..."')
    try:
        assumptions = Assumptions(
            loss_given_default=loss_given_default, margin=margin, lowest_approval_rate=approval_rate
        )
        stated = None if by_hand is None or reason is None else policies.by_hand(card, by_hand, reason)
    except ValidationError as error:
        broken = "; ".join(f"--{OPTIONS.get(item.field, item.field)}: {item.message}" for item in field_errors(error))
        raise StageError(broken) from None
    return assumptions, stated


def _print_report(report: CutoffReport, *, floor_counts: bool) -> None:
    if report.sample_data:
        print_warning("SAMPLE DATA", f"{report.scorecard}: made up by Scorebox")
    heads = ("cut-off", "approved", "bad, expected", "bad, observed", "profit, expected", "profit, observed")
    print_table(
        f"{report.scorecard}: {report.model} on {report.rows:,} test rows, profit per 1,000 applications",
        ["policy", *(Column(head, is_number=True) for head in heads)],
        [("present", *_cells(report.present)), ("proposed", *_cells(report.proposed))],
    )
    assumed = report.assumptions
    print_line(
        "cutoff",
        f"loss given default {assumed.loss_given_default:g}, margin {assumed.margin:g}: "
        f"an approval breaks even at a PD of {report.break_even:.4g}",
    )
    if floor_counts and report.proposed.effect.cutoff > report.break_even:
        print_line("cutoff", f"above it, so that at least {assumed.lowest_approval_rate:.1%} are approved")
    gain = report.gain
    print_line(
        "cutoff",
        f"observed gain per 1,000 applications: {1_000 * gain['value']:+.2f}, 95 % interval "
        f"{1_000 * gain['low']:+.2f} to {1_000 * gain['high']:+.2f}",
    )
    if not report.is_as_expected:
        print_warning(
            "look", "the observed profit is not the expected one: the PDs are not calibrated for these applications"
        )
    if report.foreign_model:
        print_warning(
            "look", f"the policy in force was found with {report.foreign_model}, the champion is {report.model}"
        )


def _cells(side: Compared) -> list[str]:
    effect, observed = side.effect, side.effect.observed_profit
    return [
        f"{effect.cutoff:.4g}",
        f"{effect.approval_rate:.2%}",
        *("–" if rate is None else f"{rate:.2%}" for rate in (effect.expected_bad_rate, effect.observed_bad_rate)),
        f"{1_000 * effect.expected_profit:,.2f}",
        f"{1_000 * observed['value']:,.2f} ({1_000 * observed['low']:,.2f} to {1_000 * observed['high']:,.2f})",
    ]
