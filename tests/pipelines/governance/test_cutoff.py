from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scoring import models
from scoring.policy import CutoffPolicy
from tests.pipelines.governed import CARD, Governed
from training.graph.inputs import graph_inputs
from training.parquet import read_parquet

OWN = CutoffPolicy.of(CARD).id


def policy_id(printed: str) -> str:
    """The id that is not the scorecard's own."""
    found: set[str] = set(re.findall(r"card_default-[0-9a-f]{12}\b", printed)) - {OWN}
    (only,) = found
    return only


def figures(governed: Governed) -> dict[str, Any]:
    content: dict[str, Any] = governed.read(governed.workspace.cutoff)
    return content


def test_looking_changes_nothing_and_writing_puts_the_same_policy_in_force(governed: Governed) -> None:
    assumed = ("--loss-given-default", "0.6", "--margin", "0.15", "--approval-rate", "0.5")
    code, printed = governed.run("cutoff", CARD.name, *assumed)
    assert code == 0, printed
    shown = policy_id(printed)
    assert f"{OWN} stays in force; {shown} replaces it with --write" in printed
    assert not governed.workspace.policy.exists()
    assert governed.workspace.cutoff_plot.read_bytes().startswith(b"\x89PNG")

    code, printed = governed.run("cutoff", CARD.name, *assumed, "--write")
    assert code == 0, printed
    assert f"{shown} is in force: releases/card_default.policy.json" in printed
    policy = CutoffPolicy.read(governed.workspace.policy, CARD)
    assert policy.id == shown

    code, printed = governed.run("cutoff", CARD.name, *assumed)
    assert code == 0, printed
    assert f"{shown} is in force already" in printed
    assert "observed gain per 1,000 applications: +0.00, 95 % interval +0.00 to +0.00" in printed


def test_the_policy_is_what_the_champion_s_own_test_rows_say(governed: Governed) -> None:
    code, printed = governed.run("cutoff", CARD.name, "--loss-given-default", "0.6", "--margin", "0.15", "--write")
    assert code == 0, printed
    release = models.Release.read(governed.workspace.release)
    stored = models.load(release.tags[release.serving])
    rows, _ = read_parquet(governed.workspace.test)
    pd = stored.graph.score(graph_inputs(rows, stored.graph.columns, stored.graph.text_columns)).astype(np.float64)
    approved = pd < 0.2
    basis = CutoffPolicy.read(governed.workspace.policy, CARD).model_dump()["basis"]
    assert basis == {
        "kind": "search",
        "assumptions": {"loss_given_default": 0.6, "margin": 0.15, "lowest_approval_rate": 0.0},
        "model": stored.record.tag,
        "graph_sha256": stored.graph.sha256,
        "data_sha256": stored.record.data.sha256,
        "rows_sha256": governed.registry.version(1).tags.test_rows_sha256,
        "rows": len(rows),
        "expected_profit": pytest.approx(np.sum((0.15 - 0.75 * pd) * approved) / len(pd)),
        "approval_rate": pytest.approx(approved.mean()),
        "expected_bad_rate": pytest.approx(pd[approved].mean()),
    }
    labels = rows[CARD.target].to_numpy()
    written = figures(governed)
    gains = np.where(labels == 1, -0.6, 0.15)
    assert written["proposed"]["effect"]["observed_bad_rate"] == pytest.approx(labels[approved].mean())
    assert written["proposed"]["effect"]["observed_profit"]["value"] == pytest.approx((gains * approved).mean())
    assert written["gain"]["value"] == pytest.approx((gains * approved).mean() - (gains * (pd < CARD.cutoff)).mean())
    assert len(written["curve"]) > 100


def test_a_floor_is_kept_and_said(governed: Governed) -> None:
    code, printed = governed.run("cutoff", CARD.name, "--approval-rate", "0.9")
    assert code == 0, printed
    assert "above it, so that at least 90.0% are approved" in printed
    effect = figures(governed)["proposed"]["effect"]
    assert effect["approval_rate"] >= 0.9
    assert effect["cutoff"] > figures(governed)["break_even"] == 0.25


def test_a_cutoff_set_by_hand_is_compared_kept_with_its_reason_and_taken_back(governed: Governed) -> None:
    by_hand = ("--cutoff", "0.3", "--reason", "The committee's choice.")
    code, printed = governed.run("cutoff", CARD.name, *by_hand)
    assert code == 0, printed
    assert not governed.workspace.policy.exists()
    code, printed = governed.run("cutoff", CARD.name, *by_hand, "--write")
    assert code == 0, printed
    policy = CutoffPolicy.read(governed.workspace.policy, CARD)
    assert policy.cutoff == 0.3
    assert policy.basis.model_dump() == {"kind": "hand", "reason": "The committee's choice."}

    code, printed = governed.run("cutoff", CARD.name, "--reset")
    assert code == 0, printed
    assert f"{OWN} is in force, the scorecard's own cut-off of 0.25" in printed
    assert not governed.workspace.policy.exists()
    assert "there was no other policy" in governed.run("cutoff", CARD.name, "--reset")[1]


@pytest.mark.slow
def test_a_policy_of_another_model_than_the_champion_is_pointed_out(governed: Governed) -> None:
    governed.run("cutoff", CARD.name, "--margin", "0.2", "--write")
    assert "the policy in force was found with" not in governed.run("cutoff", CARD.name)[1]
    governed.challenge(lambda pd: pd * 1.01)
    former = models.Release.read(governed.workspace.release).tags["fp32"].rpartition("-")[0]
    governed.run("promote", CARD.name)
    code, printed = governed.run("cutoff", CARD.name)
    assert code == 0, printed
    assert f"the policy in force was found with {former}" in printed


@pytest.mark.slow
def test_pds_that_promise_too_much_are_pointed_out(governed: Governed) -> None:
    assert "the PDs are not calibrated" not in governed.run("cutoff", CARD.name)[1]
    governed.limits(expected_calibration_error=1, brier=1, calibration_error_tolerance=1, brier_tolerance=1)
    governed.challenge(lambda pd: pd / 4)
    governed.run("promote", CARD.name)
    code, printed = governed.run("cutoff", CARD.name)
    assert code == 0, printed
    assert "the observed profit is not the expected one: the PDs are not calibrated" in printed


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--loss-given-default", "0"], "--loss-given-default: Input should be greater than 0"),
        (["--margin", "nan"], "--margin: Input should be a finite number"),
        (["--margin", "1.5"], "--margin: Input should be less than or equal to 1"),
        (["--approval-rate", "1.1"], "--approval-rate: Input should be less than or equal to 1"),
        (["--cutoff", "0.3"], 'a cut-off is set by hand with both --cutoff and --reason "..."'),
        (["--reason", "Because."], 'a cut-off is set by hand with both --cutoff and --reason "..."'),
        (["--cutoff", "1", "--reason", "All."], "--cutoff: Input should be less than 1"),
        (["--cutoff", "0.3", "--reason", " "], "--reason: String should have at least 1 character"),
        (["--reset", "--write"], "--reset stands alone"),
        (["--profile", "quick"], "artifacts/quick/card_default/test.parquet is missing; run: scorebox split"),
        (["--margin", "0.000001"], "nobody is worth approving; check --margin and --loss-given-default"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_makes_no_policy_is_one_line(governed: Governed, arguments: list[str], line: str) -> None:
    code, printed = governed.run("cutoff", CARD.name, *arguments)
    assert code == 1
    assert line in printed
    assert printed.count("error") == 1
    assert not governed.workspace.policy.exists()


def test_other_test_rows_than_the_champion_s_are_refused(governed: Governed) -> None:
    path = governed.workspace.test
    path.write_bytes(governed.workspace.train.read_bytes())
    code, printed = governed.run("cutoff", CARD.name)
    assert code == 1
    assert f"{path} does not hold the test rows of version 1" in printed


def test_without_a_champion_there_is_nothing_to_measure(governed: Governed) -> None:
    governed.registry.drop("champion")
    code, printed = governed.run("cutoff", CARD.name)
    assert code == 1
    assert "card_default has no champion; run: scorebox promote card_default" in printed


def test_a_tampered_policy_stops_the_command_and_a_reset_takes_it_away(governed: Governed) -> None:
    governed.run("cutoff", CARD.name, "--cutoff", "0.3", "--reason", "The committee's choice.", "--write")
    path: Path = governed.workspace.policy
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "cutoff": 0.9}))
    code, printed = governed.run("cutoff", CARD.name, "--write")
    assert code == 1
    assert "was changed: its id is" in printed
    assert "run: scorebox cutoff card_default --reset" in printed
    assert governed.run("cutoff", CARD.name, "--reset")[0] == 0
    assert governed.run("cutoff", CARD.name)[0] == 0
