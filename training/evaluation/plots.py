"""Plots that a validator asks for first, drawn from labels and PDs."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from scoring.files import write_atomically
from training.cutoff import Curve
from training.evaluation.metrics import PDs, reliability
from training.evaluation.reason_figures import ReasonFigures
from training.families.family import Labels

GOOD, BAD, GUIDE = "#2c7fb8", "#d95f0e", "#999999"
MARKS = (":", "-")
"""Lines of the cut-offs that are compared."""
LEGENDS: dict[str, Literal["lower right", "upper right", "upper left"]] = {
    "roc": "lower right",
    "precision_recall": "upper right",
    "reliability": "upper left",
    "scores": "upper right",
    "gains": "lower right",
}
"""Where legends stand; matplotlib's search for the best place takes seconds, and it warns of them."""


def draw_all(directory: Path, title: str, labels: Labels, pd: PDs, cutoff: float, reasons: ReasonFigures) -> list[Path]:
    """Write `roc.png`, `precision_recall.png`, `reliability.png`, `scores.png`, `gains.png` and `reasons.png`."""
    drawings: dict[str, Callable[[Axes], None]] = {
        "roc": lambda axes: _roc(axes, labels, pd),
        "precision_recall": lambda axes: _precision_recall(axes, labels, pd),
        "reliability": lambda axes: _reliability(axes, labels, pd),
        "scores": lambda axes: _scores(axes, labels, pd, cutoff),
        "gains": lambda axes: _gains(axes, labels, pd),
        "reasons": lambda axes: _reasons(axes, reasons),
    }
    written = []
    for name, draw in drawings.items():
        figure = Figure(figsize=(6, 4.5), layout="constrained")
        axes = figure.subplots()
        draw(axes)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(f"{title}: {axes.get_title()}", fontsize=10)
        if name in LEGENDS:
            axes.legend(loc=LEGENDS[name], frameon=False, fontsize=8)
        path = directory / f"{name}.png"
        _save(figure, path)
        written.append(path)
    return written


def draw_cutoffs(path: Path, title: str, curve: Curve, marks: Mapping[str, float]) -> None:
    """Write the profit per 1,000 applications, and whom it comes from, by cut-off; `marks` are named cut-offs."""
    figure = Figure(figsize=(6, 6), layout="constrained")
    profit, rates = figure.subplots(2, sharex=True, height_ratios=[3, 2])
    profit.fill_between(curve.cutoffs, 1_000 * curve.low, 1_000 * curve.high, color=BAD, alpha=0.2, linewidth=0)
    profit.plot(curve.cutoffs, 1_000 * curve.observed_profit, color=BAD, label="observed, with its 95 % interval")
    profit.plot(curve.cutoffs, 1_000 * curve.expected_profit, color=GOOD, label="expected by the PDs")
    profit.axhline(0, color=GUIDE, linestyle=":")
    profit.set_title(f"{title}: profit per 1,000 applications", fontsize=10)
    profit.set_ylabel("units of exposure")
    rates.plot(curve.cutoffs, curve.approval_rate, color=GOOD, label="approved")
    rates.plot(curve.cutoffs, curve.observed_bad_rate, color=BAD, label="defaults among them")
    rates.set(xlabel="cut-off", ylabel="share", ylim=(0, 1))
    for axes in (profit, rates):
        for (name, cutoff), line in zip(marks.items(), MARKS, strict=False):
            label = f"{name}: {cutoff:.4g}" if axes is profit else None
            axes.axvline(cutoff, color="black", linewidth=1, linestyle=line, label=label)
        axes.spines[["top", "right"]].set_visible(False)
    # Profit falls and approvals rise to the right.
    profit.legend(loc="upper right", frameon=False, fontsize=8)
    rates.legend(loc="center right", frameon=False, fontsize=8)
    _save(figure, path)


def draw_comparison(path: Path, title: str, champion: PDs, challenger: PDs, cutoff: float) -> None:
    """Write the PDs of two models of the same applications, one next to the other."""
    figure = Figure(figsize=(6, 5), layout="constrained")
    axes = figure.subplots()
    top = min(1.0, 1.05 * float(max(champion.max(), challenger.max())))
    extent = (0.0, top, 0.0, top)
    counts = axes.hexbin(champion, challenger, gridsize=50, bins="log", mincnt=1, cmap="Blues", extent=extent)
    figure.colorbar(counts, label="applications")
    axes.plot([0, top], [0, top], color=GUIDE, linestyle=":", label="the same PD")
    axes.axvline(cutoff, color=BAD, linewidth=1, label=f"cut-off {cutoff:.4g}")
    axes.axhline(cutoff, color=BAD, linewidth=1)
    axes.set(title=title, xlabel="champion", ylabel="challenger")
    axes.legend(loc="upper left", frameon=False, fontsize=8)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    # Without the date and the library's version the same plot is the same file.
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110, metadata={"Software": None})
    write_atomically(path, content.getvalue())


def _roc(axes: Axes, labels: Labels, pd: PDs) -> None:
    false_positive, true_positive, _ = roc_curve(labels, pd)
    axes.plot(false_positive, true_positive, color=GOOD, label=f"AUC {roc_auc_score(labels, pd):.4f}")
    axes.plot([0, 1], [0, 1], color=GUIDE, linestyle=":", label="chance")
    axes.set(title="ROC", xlabel="share of good declined", ylabel="share of defaults declined")


def _precision_recall(axes: Axes, labels: Labels, pd: PDs) -> None:
    precision, recall, _ = precision_recall_curve(labels, pd)
    axes.plot(recall, precision, color=GOOD, label="model")
    axes.axhline(labels.mean(), color=GUIDE, linestyle=":", label="share of defaults")
    axes.set(title="precision and recall", xlabel="recall", ylabel="precision", ylim=(0, 1))


def _reliability(axes: Axes, labels: Labels, pd: PDs) -> None:
    bins = reliability(labels, pd)
    predicted = np.array([part["mean_pd"] for part in bins])
    observed = np.array([part["default_share"] for part in bins])
    rows = np.array([part["rows"] for part in bins])
    error = 1.96 * np.sqrt(observed * (1 - observed) / rows)
    top = max(predicted.max(), observed.max()) * 1.1
    axes.plot([0, top], [0, top], color=GUIDE, linestyle=":", label="perfect")
    axes.errorbar(predicted, observed, yerr=error, color=GOOD, marker="o", capsize=2, label="tenths of the rows, 95 %")
    axes.set(title="reliability", xlabel="mean PD", ylabel="share of defaults")


def _scores(axes: Axes, labels: Labels, pd: PDs, cutoff: float) -> None:
    edges = np.linspace(0, 1, 41).tolist()
    for value, name, color in ((0, "good", GOOD), (1, "default", BAD)):
        axes.hist(pd[labels == value], bins=edges, density=True, alpha=0.6, color=color, label=name)
    axes.axvline(cutoff, color="black", linewidth=1, label=f"cut-off {cutoff:g}")
    axes.set(title="score distribution", xlabel="PD", ylabel="density")


def _gains(axes: Axes, labels: Labels, pd: PDs) -> None:
    found = np.cumsum(labels[np.argsort(-pd, kind="stable")]) / labels.sum()
    share = np.arange(1, len(labels) + 1) / len(labels)
    perfect = np.minimum(share / labels.mean(), 1)
    axes.plot(share, found, color=GOOD, label="model")
    axes.plot(share, perfect, color=BAD, linestyle="--", linewidth=1, label="perfect")
    axes.plot([0, 1], [0, 1], color=GUIDE, linestyle=":", label="chance")
    axes.set(title="gains", xlabel="share of applications, riskiest first", ylabel="share of defaults found")


def _reasons(axes: Axes, reasons: ReasonFigures) -> None:
    groups = sorted(reasons.groups, key=lambda group: group.mean_contribution)
    names = [group.code.replace("_", " ").lower() for group in groups]
    bars = axes.barh(names, [group.mean_contribution for group in groups], color=GOOD)
    shares = [f"{group.stated_share:.0%}" for group in groups]
    axes.bar_label(bars, shares, padding=3, fontsize=8)
    axes.margins(x=0.12)
    axes.set(title="reasons", xlabel="mean contribution to the log-odds; at the bar, share of declines it is stated in")
