"""The stages, from the raw snapshot to a measured model, and all of them in order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.table import Table

from pipelines.cli.bento import bentofile
from pipelines.cli.console import ProfileName, ScorecardName, app, console, say, steps
from pipelines.cli.governance import card, promote, push, verify
from pipelines.cli.history import history
from pipelines.cli.sources import ingest
from pipelines.workspace import Workspace
from scoring.scorecards import load


@app.command()
def validate(scorecard: ScorecardName, profile: ProfileName = "full") -> None:
    """Check the data contract; a broken one stops here with a table."""
    from pipelines.stages.prepare import raw_rows
    from pipelines.stages.prepare import validate as run

    card, workspace = load(scorecard), Workspace(scorecard, profile)
    with _broken_rules(scorecard), steps(raw_rows(card, workspace)) as advance:
        report = run(card, workspace, advance)
    say("validate", f"{report.rows:,} rows hold the contract")


@app.command()
def features(scorecard: ScorecardName, profile: ProfileName = "full") -> None:
    """Make one row per application of the raw tables, with the lineage of every column."""
    from pipelines.stages.prepare import features as run
    from pipelines.stages.prepare import queries_needed

    card, workspace = load(scorecard), Workspace(scorecard, profile)
    with _broken_rules(scorecard), steps(queries_needed(card, workspace)) as advance:
        report = run(card, workspace, advance)
    say("features", f"{report.rows:,} applications, {len(card.inputs)} columns, hold the contract")


@contextmanager
def _broken_rules(scorecard: str) -> Iterator[None]:
    """Shows the rules of a data contract that are broken."""
    from pipelines.stages.prepare import ContractViolatedError

    try:
        yield
    except ContractViolatedError as error:
        table = Table(title=f"{scorecard}: broken rules", title_justify="left")
        for head in ("rule", "column", "count", "first rows"):
            table.add_column(head)
        for item in error.report.violations:
            table.add_row(item.rule, item.column, str(item.count), ", ".join(map(str, item.first_rows)))
        console.print(table)
        raise


@app.command()
def split(scorecard: ScorecardName, profile: ProfileName = "full") -> None:
    """Split into training and test rows, stratified, duplicates on one side."""
    from pipelines.params import read_params
    from pipelines.stages.prepare import split as run

    run(load(scorecard), Workspace(scorecard, profile), read_params().scorecard(scorecard))
    say("split", f"written to {Workspace(scorecard, profile).split}")


@app.command()
def train(scorecard: ScorecardName, profile: ProfileName = "full") -> None:
    """Let the candidates compete and fit the winner."""
    from pipelines.params import read_params
    from pipelines.stages.train import fits_needed
    from pipelines.stages.train import train as run

    params = read_params()
    total = fits_needed(params.scorecard(scorecard), params.profile(profile).search_iterations)
    with steps(total) as advance:
        competition = run(
            load(scorecard),
            Workspace(scorecard, profile),
            params,
            advance,
        )
    for result in competition.candidates:
        verdict = (
            "holds every gate"
            if result.passes
            else "fails " + ", ".join(gate.gate for gate in result.gates if not gate.holds)
        )
        say("train", f"{result.name:<18} AUC {result.auc:.4f} ± {result.auc_deviation:.4f}  {verdict}")
    say("train", f"winner: {competition.winner}")


@app.command()
def export(scorecard: ScorecardName, profile: ProfileName = "full") -> None:
    """Write the FP32 graph."""
    from pipelines.stages.graphs import export as run

    say("export", f"FP32 graph, sha256 {run(load(scorecard), Workspace(scorecard, profile))}")


@app.command()
def quantize(scorecard: ScorecardName, profile: ProfileName = "full") -> None:
    """Write the INT8 graph."""
    from pipelines.params import read_params
    from pipelines.stages.graphs import quantize as run

    say("quantize", run(load(scorecard), Workspace(scorecard, profile), read_params().scorecard(scorecard)))


@app.command()
def explain(scorecard: ScorecardName, profile: ProfileName = "full") -> None:
    """Write the graphs that give the reasons of a decision, with their reference applicants."""
    from pipelines.stages.explain import explain as run

    card = load(scorecard)
    for variant, explainer in run(card, Workspace(scorecard, profile)).items():
        nearest = explainer.reference_for(card.cutoff).pd
        say(
            "explain",
            f"{variant}: {len(explainer.groups)} reason groups, {len(explainer.references)} reference applicants, "
            f"for cut-off {card.cutoff:g} one of PD {nearest:.4f}",
        )


@app.command()
def benchmark(scorecard: ScorecardName, profile: ProfileName = "full") -> None:
    """Compare the variants and choose the one that serves."""
    from pipelines.params import read_params
    from pipelines.stages.graphs import benchmark as run

    result = run(load(scorecard), Workspace(scorecard, profile), read_params().scorecard(scorecard))
    for item in result.variants:
        times = ", ".join(f"{rows:,}: {time:,.1f}" for rows, time in item.microseconds.items())
        say("benchmark", f"{item.variant}: {item.flipped_decisions} flipped, µs by rows {times}")
    say("benchmark", f"{result.serving} serves: {result.reason}")


@app.command()
def report(scorecard: ScorecardName, profile: ProfileName = "full") -> None:
    """Measure the served graph on the test rows: metrics with intervals, plots, fairness, MLflow run."""
    from pipelines.params import read_params
    from pipelines.stages.report import comparison_fits
    from pipelines.stages.report import report as run

    params = read_params()
    workspace = Workspace(scorecard, profile)
    with steps(comparison_fits(workspace, params)) as advance:
        result = run(
            load(scorecard),
            workspace,
            params,
            advance,
        )
    shown = ", ".join(
        f"{name} {item['value']:.4f} [{item['low']:.4f}, {item['high']:.4f}]"
        for name, item in result.metrics.items()
        if name in ("auc", "ks", "brier")
    )
    say("report", f"{shown}: {workspace.report / 'report.md'}")


@app.command()
def crossvalidate(scorecard: ScorecardName, profile: ProfileName = "full") -> None:
    """Repeat the candidates' folds over the whole data set, to compare with published figures."""
    from pipelines.params import read_params
    from pipelines.stages.crossvalidate import crossvalidate as run

    params = read_params()
    fits = len(params.scorecard(scorecard).candidates) * params.scorecard(scorecard).folds
    with steps(fits) as advance:
        outcome = run(
            load(scorecard),
            Workspace(scorecard, profile),
            params,
            advance,
        )
    for result in outcome.results:
        low, high = result.auc_interval["low"], result.auc_interval["high"]
        say("folds", f"{result.name:<18} AUC {result.auc:.4f} [{low:.4f}, {high:.4f}] over {result.rows:,} rows")


@app.command()
def build(scorecard: ScorecardName, profile: ProfileName = "full") -> None:
    """Run every stage in order, from ingest to promote."""
    ingest(scorecard, profile)
    stages = [validate, features, split, train, export, quantize, explain, benchmark, report, verify, card]
    if load(scorecard).history:
        # Before the release that needs it.
        stages.append(history)
    for stage in (*stages, push, promote):
        stage(scorecard, profile)
    bentofile(scorecard)
