"""The dashboard of the owner of the models: do they still do what they were built for?"""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.monitoring.grafana.panels import (
    HERE,
    OF_SCORECARD,
    SECONDS,
    SHARE,
    Section,
    bars,
    in_frame,
    lines,
    number,
    rows,
)


def dashboard() -> Dashboard:
    """Return the dashboard of drift, realised performance, cut-off and versions."""
    return in_frame(
        "Scorebox: model health",
        "scorebox-model-health",
        "Drift and realised performance, as the commands of those names sent them, and which models serve.",
        ["namespace", "service", "scorecard"],
        [_verdicts(), _drift(), _performance(), _versions()],
    )


def _verdicts() -> Section:
    return Section(
        "Verdicts",
        [
            number(
                "Retraining due", "1 if it is.", (f"scorebox_drift_due{{{OF_SCORECARD}}}", "{{scorecard}}"), limit=1
            ),
            number("Decayed", "1 if it is.", (f"scorebox_performance_decay{{{OF_SCORECARD}}}", "{{model}}"), limit=1),
            number(
                "Score PSI",
                "Of the PDs that were decided by, beside those of the training rows.",
                (f"scorebox_score_psi{{{OF_SCORECARD}}}", "{{scorecard}}"),
                limit=0.25,
            ),
            number(
                "Features drifted",
                "Share of the features; from 30 % on retraining is due.",
                (f"scorebox_drift_share{{{OF_SCORECARD}}}", "{{scorecard}}"),
                unit=SHARE,
                limit=0.3,
            ),
            number(
                "Outcomes known",
                "Decisions whose outcome is known, by model.",
                (f"scorebox_matured_decisions{{{OF_SCORECARD}}}", "{{model}}"),
            ),
            number(
                "Last sent",
                "How long ago each command sent its gauges.",
                ('time() - push_time_seconds{job=~"scorebox_(drift|performance)_.+"}', "{{job}}"),
                unit=SECONDS,
            ),
        ],
    )


def _drift() -> Section:
    return Section(
        "Drift",
        [
            lines(
                "Score PSI",
                "0.1 is worth a look, 0.25 another population: docs/how-to/drift.md.",
                (f"scorebox_score_psi{{{OF_SCORECARD}}}", "{{scorecard}}"),
                limit=0.25,
            ),
            lines(
                "Features drifted",
                "Share of the features, and the share from which on retraining is due.",
                (f"scorebox_drift_share{{{OF_SCORECARD}}}", "{{scorecard}}"),
                unit=SHARE,
                limit=0.3,
            ),
            lines(
                "Applications compared",
                "Of few, no verdict is given.",
                (f"scorebox_drift_rows{{{OF_SCORECARD}}}", "{{scorecard}}"),
            ),
            bars(
                "Features by PSI",
                "The twenty that differ most from the training rows.",
                (f"topk(20, scorebox_feature_psi{{{OF_SCORECARD}}})", "{{scorecard}} {{feature}}"),
                width=24,
            ),
        ],
    )


def _performance() -> Section:
    def of(metric: str) -> tuple[str, str]:
        return f"{metric}{{{OF_SCORECARD}}}", "{{model}}"

    return Section(
        "Realised performance",
        [
            lines(
                "AUC", "Of decisions whose outcome is known, mostly approvals.", of("scorebox_realised_auc"), width=6
            ),
            lines("Gini", "Of the same.", of("scorebox_realised_gini"), width=6),
            lines("KS", "Of the same.", of("scorebox_realised_ks"), width=6),
            lines("Brier score", "Of the same; smaller is better.", of("scorebox_realised_brier"), width=6),
            lines(
                "Calibration error",
                "Expected calibration error of the same: how far PDs lie from what came true.",
                of("scorebox_calibration_error"),
                width=12,
            ),
            lines("Outcomes known", "How many they rest on.", of("scorebox_matured_decisions"), width=12),
        ],
    )


def _versions() -> Section:
    chosen = f"{HERE}, {OF_SCORECARD}"
    return Section(
        "What serves",
        [
            rows(
                "Models",
                "Of each replica. Two champions of one service are a fault.",
                f"scorebox_model_info{{{chosen}}} == 1",
            ),
            lines(
                "Cut-off",
                "In force, by policy.",
                (f"max by (scorecard, policy) (scorebox_cutoff{{{chosen}}} > 0)", "{{policy}}"),
                width=12,
            ),
            lines(
                "Replicas by model",
                "How many serve each.",
                (f"count by (role, model) (scorebox_model_info{{{chosen}}} == 1)", "{{role}} {{model}}"),
                width=12,
            ),
        ],
    )
