"""The benchmark as a Markdown page with a plot, and as tables on the console."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from loadtests.bar import BarResult
from loadtests.compare import ARROW_ROWS, BATCH_CONNECTIONS, BURST_CONNECTIONS, CONNECTIONS, JSON_ROWS
from loadtests.figures import Results

Rows = list[list[str]]
LOAD_HEAD = ["server", "connections", "CPU µs/request", "requests/s", "p50 ms", "p95 ms", "p99 ms", "failed"]
LONE_HEAD = ["server", "before ms", "after ms", "ratio"]
BATCH_HEAD = ["server", "format", "rows", "CPU µs/row", "rows/s", "p50 ms", "failed"]
REASON_HEAD = ["scorecard", "family", "groups", "rows", "CPU µs alone", "CPU µs as one of 64", "at most"]
VERDICT_HEAD = ["bar", "figure", "at most", "", "from"]


def load_rows(results: Results) -> Rows:
    """Return the table of each server at each number of connections."""
    rows = []
    for connections in CONNECTIONS:
        for key, title in results.titles.items():
            seen = results.load(key, connections)
            rows.append(
                [
                    title,
                    str(connections),
                    f"{seen.cpu_us:,.0f}",
                    f"{seen.rate:,.0f}",
                    f"{seen.p50_ms:.2f}",
                    f"{seen.p95_ms:.2f}",
                    f"{seen.p99_ms:.2f}",
                    f"{seen.failed:,}",
                ]
            )
    return rows


def lone_rows(results: Results) -> Rows:
    """Return the table of each server's lone requests."""
    return [
        [
            results.titles[one.contender],
            f"{one.before_ms:.2f}",
            f"{one.after_ms:.2f}",
            f"{one.after_ms / one.before_ms:.2f}",
        ]
        for one in results.lone
    ]


def batch_rows(results: Results) -> Rows:
    """Return the table of each server's batches."""
    measured = {(one.contender, one.encoding, one.rows) for one in results.batches}
    rows = []
    for encoding, sizes in (("json", JSON_ROWS), ("arrow", ARROW_ROWS)):
        for size in sizes:
            for key, title in results.titles.items():
                if (key, encoding, size) not in measured:
                    continue
                seen = results.batch(key, encoding, size)
                rows.append(
                    [
                        title,
                        encoding,
                        f"{size:,}",
                        f"{seen.cpu_us_per_row:.2f}",
                        f"{seen.rows_per_second:,.0f}",
                        f"{seen.p50_ms:.1f}",
                        f"{seen.failed:,}",
                    ]
                )
    return rows


def reason_rows(results: Results) -> Rows:
    """Return the table of the costs of reasons, by scorecard."""
    return [
        [
            one.scorecard,
            one.family,
            str(one.groups),
            "declines" if one.declines else "any",
            f"{one.alone_us:,.0f}",
            f"{one.among_us:,.0f}",
            f"{one.limit_us:,.0f}",
        ]
        for one in results.reasons
    ]


def verdict_rows(verdicts: Sequence[BarResult]) -> Rows:
    """Return the bar, line by line."""
    return [
        [
            verdict.what,
            f"{verdict.figure:.2f}",
            f"{verdict.limit:g}",
            "holds" if verdict.holds else "falls short",
            verdict.basis,
        ]
        for verdict in verdicts
    ]


def print_summary(console: Console, results: Results, verdicts: Sequence[BarResult]) -> None:
    """Print all tables on the console."""
    for title, head, rows in (
        ("Single applications", LOAD_HEAD, load_rows(results)),
        ("A lone request before and after a burst", LONE_HEAD, lone_rows(results)),
        ("Batches", BATCH_HEAD, batch_rows(results)),
        ("Reasons", REASON_HEAD, reason_rows(results)),
        ("Against the bar", VERDICT_HEAD, verdict_rows(verdicts)),
    ):
        table = Table(title=title, title_justify="left", box=box.SIMPLE, pad_edge=False)
        for place, name in enumerate(head):
            table.add_column(name, justify="left" if place == 0 else "right")
        for row in rows:
            colour = {"holds": "green", "falls short": "red"}.get(row[3] if head is VERDICT_HEAD else "", "")
            table.add_row(*row, style=colour)
        console.print(table)


def write_report(folder: Path, results: Results, verdicts: Sequence[BarResult], command: str) -> None:
    """Write `bench.md` and `bench.png` into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.md").write_text(markdown(results, verdicts, command), encoding="utf-8")
    plot(folder / "bench.png", results)


def markdown(results: Results, verdicts: Sequence[BarResult], command: str) -> str:
    """Return the page."""
    held = sum(verdict.holds for verdict in verdicts)
    first = results.loads[0]
    rounds = sum((one.contender, one.connections) == (first.contender, first.connections) for one in results.loads)
    busiest = max(one.client_busy for one in results.loads)
    method = (
        f"Made by `{command}`. Each figure is the median of {rounds} rounds; in every round each server has its turn, "
        "in rotating order. CPU is user and system time of the server's whole process tree, the figure that depends "
        "least on the load generator. Every server gets the same applications, runs the same graph in ONNX Runtime "
        "with one thread, and has one worker process. The load generator, `loadtests/client.py`, was busy for at most "
        f"{busiest:.0%} of its core.\n"
    )
    parties = (
        "\nScorebox is this service with its default settings: a whole decision, reasons for every decline, and a "
        "durable record before the answer. Every reason is the same server asked for `?reasons=all`, which computes "
        "the contributions of approvals too. Journal off keeps nothing. The others answer with the bare PD and keep "
        "nothing: FastAPI is a pydantic model and ONNX Runtime in `async def` under uvicorn with uvloop and httptools, "
        "access log off; BentoML default is an `@bentoml.api` method with nothing configured; BentoML batchable adds "
        "`batchable=True`, whose methods take and give lists. The programs are in `loadtests/peers/`.\n"
    )
    lone = f"Median of one request at a time, before and just after a burst at {BURST_CONNECTIONS} connections.\n"
    parts = [
        "# Side by side\n",
        method,
        markdown_table(["", ""], [[name, value] for name, value in results.facts.items()], left=2),
        "\n## Against the bar\n",
        f"{held} of {len(verdicts)} hold.\n",
        markdown_table(VERDICT_HEAD, verdict_rows(verdicts)),
        "\n## Single applications\n",
        "![CPU per request](bench.png)\n",
        markdown_table(LOAD_HEAD, load_rows(results)),
        parties,
        "\n## A lone request before and after a burst\n",
        lone,
        markdown_table(LONE_HEAD, lone_rows(results)),
        "\n## Batches\n",
        f"`/predict_batch` at {BATCH_CONNECTIONS} connections.\n",
        markdown_table(BATCH_HEAD, batch_rows(results)),
        *_reasons(results),
    ]
    return "\n".join(parts).replace("\n\n\n", "\n\n")


def _reasons(results: Results) -> list[str]:
    if not results.reasons:
        return []
    method = (
        "CPU of one explanation, in one process: the explain graph's session call, and choosing the principal reasons "
        "from its output. Rows are declined test applications where there are some, their history unknown. Every "
        "scorecard that has a release is in the table.\n"
    )
    return ["\n## Reasons\n", method, markdown_table(REASON_HEAD, reason_rows(results), left=2)]


def markdown_table(head: Sequence[str], rows: Rows, left: int = 1) -> str:
    """Return a table in Markdown; the first `left` columns are of words."""
    rules = ["---" if place < left else "---:" for place in range(len(head))]
    lines = [head, rules, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def command_line(module: str, arguments: Sequence[str]) -> str:
    """Return the command as it was given; of an absolute path only the name, since the page is for every machine."""
    shown = [Path(one).name if Path(one).is_absolute() else one for one in arguments]
    return shlex.join(["python", "-m", module, *shown])


def _connections(number: int) -> str:
    return f"{number} connection{'s' if number > 1 else ''}"


def plot(path: Path, results: Results) -> None:
    """Draw CPU per request by server and connections, logarithmic, because the servers span a decade."""
    # Only the report draws.
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    figure, axes = plt.subplots(figsize=(11, 4.5), layout="constrained")
    width = 0.8 / len(results.titles)
    colours = ("#0b6e4f", "#3f9c79", "#9fd1bb", "#4c78a8", "#9aa5b1", "#d0a15b")
    values = []
    for place, (key, title) in enumerate(results.titles.items()):
        cpu = [results.load(key, connections).cpu_us for connections in CONNECTIONS]
        values += cpu
        at = [group + (place - (len(results.titles) - 1) / 2) * width for group in range(len(CONNECTIONS))]
        bars = axes.bar(at, cpu, width * 0.92, label=title, color=colours[place % len(colours)])
        axes.bar_label(bars, [f"{value:,.0f}" for value in cpu], padding=2, fontsize=8)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(FixedLocator([50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_ylim(min(values) / 2, max(values) * 2.5)
    axes.set_xticks(range(len(CONNECTIONS)), [_connections(number) for number in CONNECTIONS])
    axes.set_ylabel("CPU µs per request (logarithmic)")
    axes.set_title("CPU of the whole server per request: lower is better", loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=2, fontsize=9, loc="upper right")
    figure.savefig(path, dpi=130, metadata={"Software": None})
    plt.close(figure)
