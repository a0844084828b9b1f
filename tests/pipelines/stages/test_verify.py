"""A trained model must hold every check before it may be pushed."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from pipelines.params import read_params
from scoring.graph import INPUT, OUTPUT, Graph
from scoring.scorecards import card_default
from tests.conftest import PROJECT
from tests.pipelines.governed import CARD, Governed
from tests.serving import toy

IMPOSSIBLE = {
    "parity": 0.0,
    "lowest_auc": 0.999,
    "brier": 0.0,
    "expected_calibration_error": 0.0,
    "approval_gap": 0.0,
    "microseconds_1": 0.0,
    "microseconds_256": 0.0,
    "reasons_reach": 1.1,
}


def test_a_build_leaves_a_verification_of_the_served_graph(governed: Governed) -> None:
    result = governed.read(governed.workspace.reports / "verification.json")
    report = governed.read(governed.workspace.report / "report.json")
    assert result["holds"] is True
    assert result["graph_sha256"] == report["graph_sha256"]
    assert result["auc"] == report["metrics"]["auc"], "one figure, one interval"
    assert result["checks"]["auc"]["value"] == report["metrics"]["auc"]["low"]
    assert {group["column"] for group in result["figures"]["groups"]} == CARD.protected
    assert set(result["figures"]["impact_ratios"]) == CARD.protected


def test_every_limit_is_held_against_the_model(governed: Governed) -> None:
    governed.limits(**IMPOSSIBLE)
    code, printed = governed.run("verify", CARD.name)
    assert code == 1
    checks = governed.read(governed.workspace.reports / "verification.json")["checks"]
    assert {name for name, check in checks.items() if check["holds"]} == {
        "alone_and_in_batches",
        "extremes",
        "flipped_share",
        "reasons_add_up",
        "reasons_alone_and_in_batches",
        "reasons_contradicted",
        "reasons_unspoken_gaps",
    }
    assert "FAILS" in printed
    assert "error card_default fails parity, auc, brier, expected_calibration_error, approval_gap_AGE" in printed


@pytest.mark.slow
def test_int8_that_decides_differently_fails_where_it_serves_and_is_left_out_where_it_does_not(
    governed: Governed,
) -> None:
    governed.workspace.int8.write_bytes(toy.graph(toy.COLUMNS, shift=2.0))
    governed.run("explain", CARD.name)
    governed.run("benchmark", CARD.name)
    measured = governed.read(governed.workspace.benchmark)
    report = governed.read(governed.workspace.report_record)
    hashes = {item["variant"]: item["sha256"] for item in measured["variants"]}
    metrics = dict.fromkeys(hashes, report["variant_metrics"]["fp32"])
    governed.workspace.report_record.write_text(
        json.dumps(report | {"graph_sha256": hashes, "variant_metrics": metrics, "serving": "fp32"})
    )

    def verified(serving: str) -> tuple[int, str]:
        governed.workspace.benchmark.write_text(json.dumps(measured | {"serving": serving}))
        return governed.run("verify", CARD.name)

    code, printed = verified("int8")
    assert code == 1
    assert "flipped_share" in printed.rpartition("error card_default")[2]
    code, printed = verified("fp32")
    assert code == 0, printed
    assert "int8 is not pushed, and does not serve: it fails flipped_share" in printed
    assert governed.run("push", CARD.name)[0] == 0
    assert set(governed.read(governed.workspace.pushed)["tags"]) == {"fp32"}
    assert governed.registry.version(1).tags.verification == "holds"


def test_applications_without_a_pd_are_named(governed: Governed) -> None:
    governed.workspace.int8.unlink(missing_ok=True)
    columns = list(Graph(governed.workspace.fp32.read_bytes()).columns)
    governed.workspace.fp32.write_bytes(beyond_one(toy.graph(columns)))
    governed.run("explain", CARD.name)
    governed.run("benchmark", CARD.name)
    code, printed = governed.run("verify", CARD.name)
    assert code == 1
    assert "extremes" in printed.rpartition("error card_default")[2]
    named = governed.read(governed.workspace.verification)["without_pd"]
    assert 0 < len(named) <= 10
    first = named[0]
    assert (first["variant"], first["pd"] > 1) == ("fp32", True)
    assert f"fp32 gives a PD of {first['pd']:.9g} to " in printed
    assert ", ".join(f"{name} {value}" for name, value in first["application"].items()) in printed


def beyond_one(graph: bytes) -> bytes:
    """Return the same graph, its PDs 1 more where the credit limit is above 5 million, which no test row has."""
    model = onnx.load_from_string(graph)
    model.graph.node[-1].output[0] = "plain"
    constants = {"limit": np.array([0]), "much": np.float32(5e6), "nothing": np.float32(0), "all": np.float32(1)}
    model.graph.initializer.extend(numpy_helper.from_array(np.asarray(one), name) for name, one in constants.items())
    model.graph.node.extend(
        [
            helper.make_node("Gather", [INPUT, "limit"], ["credit"], axis=1),
            helper.make_node("Sub", ["credit", "much"], ["above"]),
            helper.make_node("Clip", ["above", "nothing", "all"], ["more"]),
            helper.make_node("Add", ["plain", "more"], [OUTPUT]),
        ]
    )
    return bytes(model.SerializeToString())


def test_a_graph_that_is_not_the_trained_model_s_fails_parity(governed: Governed) -> None:
    columns = list(Graph(governed.workspace.fp32.read_bytes()).columns)
    governed.workspace.fp32.write_bytes(toy.graph(columns))
    governed.run("explain", CARD.name)
    governed.run("benchmark", CARD.name)
    code, printed = governed.run("verify", CARD.name)
    assert code == 1
    assert "parity" in printed.rpartition("error card_default")[2]


def test_reasons_that_the_fields_contradict_fail(governed: Governed, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the scorecard's statements were mended after the explain graph was made."""
    limit = next(group for group in CARD.reasons if group.code == "CREDIT_LIMIT")
    too_low, too_high = limit.statements
    turned = replace(limit, statements=(replace(too_low, when=too_high.when), replace(too_high, when=too_low.when)))
    reasons = tuple(turned if group is limit else group for group in CARD.reasons)
    monkeypatch.setattr(card_default, "SCORECARD", replace(CARD, reasons=reasons))
    code, printed = governed.run("verify", CARD.name)
    assert code == 1
    assert "reasons_contradicted" in printed.rpartition("error card_default")[2]
    checks = governed.read(governed.workspace.reports / "verification.json")["checks"]
    assert checks["reasons_contradicted"]["value"] > 10
    governed.run("explain", CARD.name)
    governed.run("benchmark", CARD.name)
    assert governed.run("verify", CARD.name)[0] == 0, "the graph says what the scorecard does"


def test_a_benchmark_of_other_graphs_is_refused(governed: Governed) -> None:
    governed.workspace.fp32.write_bytes(toy.graph(toy.COLUMNS))
    code, printed = governed.run("verify", CARD.name)
    assert code == 1
    assert "fp32.onnx explains another graph; run: scorebox explain card_default" in printed
    governed.run("explain", CARD.name)
    code, printed = governed.run("verify", CARD.name)
    assert code == 1
    assert "the graphs are not those that `scorebox benchmark` measured; run it again" in printed


@pytest.mark.slow
def test_a_failed_verification_is_known_to_the_registry_and_stops_the_promotion(governed: Governed) -> None:
    governed.limits(lowest_auc=0.999)
    governed.challenge(lambda pd: pd * 1.01)
    assert governed.registry.version(2).tags.verification == "fails auc"
    code, printed = governed.run("promote", CARD.name)
    assert code == 1
    assert "version 2 of card_default fails verification; version 1 stays champion" in printed
    governed.limits(lowest_auc=0.6)
    for command in ("verify", "push", "promote"):
        assert governed.run(command, CARD.name)[0] == 0
    assert governed.registry.aliases() == {"champion": 2}


def test_every_limit_is_documented_with_its_default() -> None:
    text = (PROJECT / "docs" / "explanation" / "governance.md").read_text()
    limits = read_params(PROJECT / "params.yaml").scorecard(CARD.name).promotion.model_dump()
    documented = dict(re.findall(r"\| `(\w+)` \| (?:[^|\n]+ \| )?([\d.e-]+) \|$", text, re.MULTILINE))
    assert {name: float(value) for name, value in documented.items()} == limits
