"""Plots that a validator asks for first, drawn from labels and PDs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from training.family import Labels
from training.metrics import PDs, reliability
from training.reason_figures import ReasonFigures

GOOD, BAD, GUIDE = "#2c7fb8", "#d95f0e", "#999999"


def draw_all(directory: Path, title: str, labels: Labels, pd: PDs, cutoff: float, reasons: ReasonFigures) -> list[Path]:
    """Writes `roc.png`, `precision_recall.png`, `reliability.png`, `scores.png`, `gains.png` and `reasons.png`."""
    directory.mkdir(parents=True, exist_ok=True)
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
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, fontsize=8)
        path = directory / f"{name}.png"
        # Without the date and the library's version the same plot is the same file.
        figure.savefig(path, dpi=110, metadata={"Software": None})
        written.append(path)
    return written


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
