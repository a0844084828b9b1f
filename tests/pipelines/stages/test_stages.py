"""The `scorebox` command, in this process, in a folder of its own."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from scoring import scorecards
from scoring.graph import Graph
from scoring.models import Release
from scoring.scorecards import load
from tests import parameter_tables
from tests.conftest import SMALL_PARAMS, Project, make_project, real_data
from tests.pipelines.conftest import Run
from tests.pipelines.governed import Governed
from training.families.parameters import PARAMETERS
from training.families.registry import FAMILIES
from training.parquet import write_parquet

CARD = load("card_default")


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def folder(project: Project) -> Path:
    return project.folder / "artifacts" / "full" / "card_default"


def test_sample_data_are_called_sample_data_and_repeat(scorebox: Run, project: Project) -> None:
    code, printed = scorebox("ingest", "card_default")
    assert code == 0
    assert printed.startswith("SAMPLE DATA card_default: made up by Scorebox; no source is set")
    first = read(folder(project) / "reports" / "ingestion_summary.json")
    assert (first["sample_data"], first["source"], first["total"]["rows"]) == (True, "SAMPLE DATA", 4_000)
    scorebox("ingest", "card_default")
    again = read(folder(project) / "reports" / "ingestion_summary.json")
    assert again["snapshot_sha256"] == first["snapshot_sha256"]


@pytest.mark.skipif(real_data("card_default") is None, reason="the published file UCI_Credit_Card.csv is not here")
def test_the_published_file_is_taken_in_and_holds_the_contract(scorebox: Run, project: Project) -> None:
    assert scorebox("ingest", "card_default", "--source", str(real_data("card_default")))[0] == 0
    summary = read(folder(project) / "reports" / "ingestion_summary.json")
    published = CARD.sources[0].files[0]
    (file,) = summary["files"]
    del summary["ingested_at"], summary["source"], file["modified_at"], file["table_sha256"]
    assert summary == {
        "scorecard": "card_default",
        "sample_data": False,
        "title": "Default of Credit Card Clients",
        "published": True,
        "licence": "CC BY 4.0",
        "citation": "I-Cheng Yeh, Default of Credit Card Clients, UCI Machine Learning Repository, 2009",
        "form": "file",
        "files": [
            {
                "name": "UCI_Credit_Card.csv",
                "table": "applications",
                "format": "csv",
                "bytes": 2_862_995,
                "sha256": published.sha256,
                "verified": True,
                "rows": 30_000,
                "columns": 25,
            }
        ],
        "total": {"files": 1, "bytes": 2_862_995, "rows": 30_000},
        "snapshot_sha256": published.sha256,
    }
    profile = "profile full (the only one that has artifacts)"
    assert scorebox("validate", "card_default") == (0, f"{profile} validate 30,000 rows hold the contract")
    assert scorebox("features", "card_default") == (
        0,
        f"{profile} features 30,000 applications, 23 columns, hold the contract",
    )
    assert scorebox("split", "card_default")[0] == 0
    split = read(folder(project) / "split.json")
    shares = [split[part]["default_share"] for part in ("train", "test")]
    assert shares == pytest.approx([0.2212, 0.2212], abs=0.0005)
    assert split["train"]["rows"] + split["test"]["rows"] == 30_000


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"ID,LIMIT_BAL\n1,20000\n", "rules of the data contract are broken"),
        (b"", "cards.csv is empty"),
        (None, "cannot read"),
    ],
)
def test_a_wrong_source_is_refused_and_nothing_is_written(
    scorebox: Run, project: Project, content: bytes | None, complaint: str
) -> None:
    source = project.folder / "cards.csv"
    if content is not None:
        source.write_bytes(content)
    code, printed = scorebox("ingest", "card_default", "--source", str(source))
    assert code == 1
    assert complaint in printed
    assert not [path for path in (project.folder / "artifacts").rglob("*") if path.is_file()]


def test_a_url_is_read_and_checked_like_a_file(scorebox: Run, project: Project) -> None:
    (project.folder / "served").mkdir()
    (project.folder / "served" / "cards.csv").write_text("ID\n1\n")
    handler = partial(SimpleHTTPRequestHandler, directory=str(project.folder / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        address = f"http://127.0.0.1:{server.server_port}"
        wrong = scorebox("ingest", "card_default", "--source", f"{address}/cards.csv", "--published")
        with_password = address.replace("//", "//someone:secret@")
        missing = scorebox("ingest", "card_default", "--source", f"{with_password}/none.csv")
        server.shutdown()
    digest = hashlib.sha256(b"ID\n1\n").hexdigest()
    assert wrong[0] == missing[0] == 1
    assert f"is not the published file: its sha256 is {digest}" in wrong[1]
    assert f"cannot read {address}/none.csv" in missing[1]
    assert "secret" not in missing[1]


def test_a_source_is_remembered_until_it_is_reset(scorebox: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert scorebox("source", "card_default") == (0, "source card_default: SAMPLE DATA")
    assert scorebox("source", "card_default", "cards.csv") == (0, "source card_default: cards.csv")
    assert scorebox("source", "card_default") == (0, "source card_default: cards.csv")
    assert "cannot read cards.csv" in scorebox("ingest", "card_default")[1]
    monkeypatch.setenv("SCOREBOX_SOURCE_CARD_DEFAULT", "other.csv")
    assert "cannot read other.csv" in scorebox("ingest", "card_default")[1]
    monkeypatch.delenv("SCOREBOX_SOURCE_CARD_DEFAULT")
    assert scorebox("source", "card_default", "--sample") == (0, "source card_default: SAMPLE DATA")


def test_a_source_is_a_location_or_sample_data_and_nothing_is_ignored(
    scorebox: Run, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = scorebox("source", "card_default", "cards.csv", "--sample")
    assert both == (1, "error a location and --sample exclude each other: give one of them")
    for empty in (["source", "card_default", ""], ["ingest", "card_default", "--source", ""]):
        code, told = scorebox(*empty)
        assert code == 2
        assert "it is empty" in told
    assert not Path("data/sources/card_default").exists()
    monkeypatch.setenv("SCOREBOX_SOURCE_CARD_DEFAULT", "https://me:secret@host/other.csv")
    told = "source card_default: cards.csv source SCOREBOX_SOURCE_CARD_DEFAULT is set and counts more: "
    assert scorebox("source", "card_default", "cards.csv") == (0, f"{told}https://host/other.csv")


def test_a_remembered_source_is_rewritten_only_when_it_changes(scorebox: Run, project: Project) -> None:
    scorebox("source", "card_default", "cards.csv")
    path = project.folder / "data" / "sources" / "card_default"
    before = path.stat().st_mtime_ns
    scorebox("source", "card_default", "cards.csv")
    assert path.stat().st_mtime_ns == before


def test_a_broken_contract_stops_with_a_table_and_a_report(scorebox: Run, project: Project) -> None:
    scorebox("ingest", "card_default")
    scorebox("validate", "card_default")
    frame = pd.DataFrame(CARD.sample(np.random.default_rng(0), 50)).drop(columns="PAY_3")
    frame.loc[[4, 9], "AGE"] = 7
    write_parquet(
        folder(project) / "raw" / "applications.parquet",
        frame,
        {b"scorebox.sample": b"true", b"scorebox.snapshot": b""},
    )
    code, printed = scorebox("validate", "card_default")
    assert code == 1
    assert "in_range(18.0, 120.0) │ AGE │ 2 │ 4, 9" in printed
    assert "column_in_dataframe │ PAY_3 │ 1" in printed
    assert "2 rules of the data contract are broken" in printed
    assert [item["column"] for item in read(folder(project) / "contract.json")["violations"]] == ["PAY_3", "AGE"]
    assert not (folder(project) / "applications.parquet").exists(), "rows of an earlier run must not pass for these"


def test_a_truncated_file_is_named(scorebox: Run, project: Project) -> None:
    scorebox("ingest", "card_default")
    raw = folder(project) / "raw" / "applications.parquet"
    raw.write_bytes(raw.read_bytes()[:1_000])
    code, printed = scorebox("validate", "card_default")
    assert code == 1
    assert "applications.parquet is not a whole Parquet file" in printed


@pytest.mark.parametrize(
    ("stage", "complaint"),
    [
        ("validate", "applications.parquet is missing; run the stage that writes it first"),
        ("features", "applications.parquet is missing; run the stage that writes it first"),
        ("split", "applications.parquet is missing"),
        ("train", "train.parquet is missing"),
        ("export", "holds no trained model"),
        ("quantize", "holds no trained model"),
        ("explain", "holds no trained model"),
        ("benchmark", "holds no trained model"),
        ("report", "holds no trained model"),
        ("crossvalidate", "applications.parquet is missing"),
        ("verify", "holds no trained model"),
        ("card", "holds no report"),
        ("push", "holds no report"),
        ("promote", "has no challenger; run: scorebox push card_default"),
    ],
)
def test_a_stage_that_comes_too_early_says_what_is_missing(scorebox: Run, stage: str, complaint: str) -> None:
    code, printed = scorebox(stage, "card_default")
    assert code == 1
    assert complaint in printed


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("ingest", "cards"), "there is no scorecard 'cards'; there are:"),
        (("train", "card_default", "--profile", "huge"), "there is no profile 'huge'; params.yaml has: full"),
    ],
)
def test_a_wrong_name_is_answered_with_the_right_ones(
    scorebox: Run, arguments: tuple[str, ...], complaint: str
) -> None:
    code, printed = scorebox(*arguments)
    assert code == 1
    assert complaint in printed


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"folds": 1}, "scorecards.card_default.folds: Input should be greater than or equal to 2"),
        ({"seeds": 1}, "scorecards.card_default.seeds: Extra inputs are not permitted"),
        ({"candidates": {}}, "scorecards.card_default.candidates: Dictionary should have at least 1 item"),
    ],
)
def test_a_wrong_parameter_is_named(scorebox: Run, project: Project, change: dict[str, Any], complaint: str) -> None:
    params = {**SMALL_PARAMS, "scorecards": {"card_default": {**SMALL_PARAMS["scorecards"]["card_default"], **change}}}
    (project.folder / "params.yaml").write_text(yaml.safe_dump(params))
    code, printed = scorebox("ingest", "card_default")
    assert code == 1
    assert complaint in printed


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "profiles: {full: {bootstrap_resamples: 20, bootstrap_resamples: 30}}",
            "'bootstrap_resamples' is given twice",
        ),
        ("? [profiles, scorecards]\n: {}", "while constructing a mapping"),
        ("profiles: [", "while parsing a flow node expected the node content"),
    ],
)
def test_parameters_that_are_no_yaml_or_say_a_thing_twice_are_one_line(
    scorebox: Run, project: Project, text: str, line: str
) -> None:
    (project.folder / "params.yaml").write_text(text)
    code, printed = scorebox("train", "card_default")
    assert code == 1
    assert f"params.yaml is not YAML: {line}" in printed


LOGISTIC = {"family": "logistic", "features": "stepped", "parameters": {"C": 0.1}}
TREES = {"family": "boosting", "features": "engineered"}


@pytest.mark.parametrize(
    ("candidate", "complaint"),
    [
        (LOGISTIC | {"family": "woods"}, "candidates.one: no family 'woods'; there are: boosting, catboost, forest"),
        (LOGISTIC | {"features": "woven"}, "no features 'woven'; it has: published, engineered, stepped"),
        (LOGISTIC | {"parameters": {}}, "candidates.one: parameters.C: Field required"),
        (LOGISTIC | {"parameters": {"C": "1e-3"}}, "candidates.one: parameters.C: Input should be a valid number"),
        (LOGISTIC | {"parameters": {}, "search": {"C": []}}, "candidates.one: search.C: there are no choices"),
        (TREES | {"search": {"num_leaves": [4, 1]}}, "search.num_leaves: Input should be greater than or equal to 2"),
        (TREES | {"parameters": {"trees": 9}}, "parameters.trees: there is no such parameter; there are: n_estimators"),
        (TREES | {"parameters": {"subsample": 2, "max_bin": 1}}, "less than or equal to 1; parameters.max_bin: Input"),
    ],
)
def test_a_candidate_that_cannot_be_is_named_before_the_first_stage_runs(
    scorebox: Run, project: Project, candidate: dict[str, Any], complaint: str
) -> None:
    card = {**SMALL_PARAMS["scorecards"]["card_default"], "candidates": {"one": candidate}}
    (project.folder / "params.yaml").write_text(yaml.safe_dump({**SMALL_PARAMS, "scorecards": {"card_default": card}}))
    for stage in ("ingest", "train"):
        code, printed = scorebox(stage, "card_default")
        assert code == 1
        if stage == "ingest" or "woven" not in complaint:
            assert complaint in printed
    assert not folder(project).exists()


def test_an_entry_needs_candidates_only_and_a_search_may_give_what_is_required(scorebox: Run, project: Project) -> None:
    drawn = LOGISTIC | {"parameters": {}, "search": {"C": [0.1, 1]}}
    params = {"profiles": SMALL_PARAMS["profiles"], "scorecards": {"card_default": {"candidates": {"one": drawn}}}}
    (project.folder / "params.yaml").write_text(yaml.safe_dump(params))
    for stage in ("ingest", "validate", "features", "split"):
        code, printed = scorebox(stage, "card_default")
        assert code == 0, printed
    split = read(folder(project) / "split.json")
    assert (split["seed"], split["train"]["rows"] + split["test"]["rows"]) == (42, 20_000)
    assert split["test"]["rows"] == pytest.approx(4_000, abs=2)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "scoring/scorecards/odd.py declares no SCORECARD = Scorecard(...)"),
        ("SCORECARD = 1", "scoring/scorecards/odd.py declares no SCORECARD = Scorecard(...)"),
        ("from scoring.scorecards.card_default import SCORECARD", "its SCORECARD is called 'card_default'"),
        ("def", "scoring/scorecards/odd.py: SyntaxError: invalid syntax"),
        (
            "from dataclasses import replace\nfrom scoring.scorecards.card_default import SCORECARD as C\n"
            "SCORECARD = replace(C, cutoff=2)",
            "scoring/scorecards/odd.py: ValueError: card_default: the cut-off must lie between 0 and 1",
        ),
    ],
)
def test_a_module_that_is_no_scorecard_is_one_line(
    scorebox: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, complaint: str
) -> None:
    (tmp_path / "odd.py").write_text(text)
    monkeypatch.setattr(scorecards, "__path__", [*scorecards.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "scoring.scorecards.odd", raising=False)
    code, printed = scorebox("ingest", "odd")
    assert code == 1
    assert complaint in printed


def test_every_parameter_is_documented_with_its_values_and_default() -> None:
    assert parameter_tables.written() == parameter_tables.tables(), "run: python -m tests.parameter_tables"
    assert sorted(PARAMETERS) == sorted(FAMILIES)


def test_no_candidate_through_the_gates_is_an_error_with_the_results_kept(scorebox: Run, project: Project) -> None:
    card = SMALL_PARAMS["scorecards"]["card_default"]
    card = {**card, "gates": {**card["gates"], "reasons_microseconds": 0}}
    card["candidates"] = {"logistic": card["candidates"]["logistic"]}
    (project.folder / "params.yaml").write_text(yaml.safe_dump({**SMALL_PARAMS, "scorecards": {"card_default": card}}))
    for stage in ("ingest", "validate", "features", "split"):
        scorebox(stage, "card_default")
    code, printed = scorebox("train", "card_default")
    assert code == 1
    assert "no candidate holds every gate" in printed
    assert read(folder(project) / "candidates.json")["candidates"][0]["name"] == "logistic"


def test_a_build_goes_from_data_to_a_release(trained_project: Project) -> None:
    made = folder(trained_project)
    release = Release.read(trained_project.folder / "releases" / "card_default.json")
    report = read(made / "report" / "report.json")
    competition = read(made / "candidates.json")
    assert competition["winner"] == report["candidate"]
    assert {item["name"] for item in competition["candidates"]} == {"network", "boosting", "logistic"}
    assert report["data"]["sample"] is True
    assert set(report["metrics"]) >= {"auc", "gini", "ks", "average_precision", "brier", "expected_calibration_error"}
    assert report["metrics"]["auc"]["value"] > 0.65, "the sample data carry a signal"
    assert Graph((made / "fp32.onnx").read_bytes()).sha256 == report["graph_sha256"]["fp32"]
    assert release.tags["fp32"] == f"card_default:{release.version}-fp32"
    assert not set(report["columns"]) & CARD.protected
    plots = {path.name for path in (made / "report" / "plots").iterdir()}
    assert plots == {"roc.png", "precision_recall.png", "reliability.png", "scores.png", "gains.png", "reasons.png"}


def test_verification_lists_the_levels_of_few_rows_and_what_a_claim_of_them_changes(trained_project: Project) -> None:
    levels = read(folder(trained_project) / "reports" / "verification.json")["rare_levels"]
    found = {item["level"]: item for item in levels if item["column"] == "EDUCATION"}
    # Of 3,000 training rows a twentieth is 150, which these are not even together.
    assert {code for code, item in found.items() if item["merged"]} == {0, 4, 5, 6}
    assert {found[code]["read_as"] for code in (0, 4, 5, 6)} == {2}
    assert len({found[code]["approved"] for code in (0, 4, 5, 6)}) == 1
    three = found[3]
    assert (three["merged"], three["read_as"]) == (False, 3)
    assert 300 < three["rows"] < 700
    share = three["default_share"]
    assert 0.1 < share["low"] < share["value"] < share["high"] < 0.35
    assert 0 <= three["approved"] <= three["declines"] < 1_000


def test_the_report_shows_protected_columns_in_and_out(trained_project: Project) -> None:
    comparison = read(folder(trained_project) / "report" / "report.json")["protected_comparison"]
    assert {item["protected_fields"] for item in comparison} == {True, False}
    assert {group["column"] for item in comparison for group in item["groups"]} >= {"SEX", "MARRIAGE", "AGE"}
    markdown = (folder(trained_project) / "report" / "report.md").read_text()
    assert "## Approval rate by group" in markdown
    assert "SAMPLE DATA" in markdown.splitlines()[0]


def test_the_training_is_an_mlflow_run_with_its_metrics_and_files(
    trained_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    report = read(folder(trained_project) / "report" / "report.json")
    client = mlflow.MlflowClient(f"sqlite:///{trained_project.folder}/mlflow.db")
    run = client.get_run(report["mlflow_run_id"])
    assert run.data.metrics["test_auc"] == pytest.approx(report["metrics"]["auc"]["value"])
    assert run.data.params["candidate"] == report["candidate"]
    assert run.data.tags["data"] == "SAMPLE DATA"
    assert run.data.tags["graph_sha256"] == report["graph_sha256"]["fp32"]


def test_each_variant_is_stored_with_its_own_metrics(trained_project: Project) -> None:
    report = read(folder(trained_project) / "report" / "report.json")
    benchmark = read(folder(trained_project) / "benchmark.json")
    assert set(report["variant_metrics"]) == {item["variant"] for item in benchmark["variants"]}
    release = Release.read(trained_project.folder / "releases" / "card_default.json")
    for item in benchmark["variants"]:
        name, _, version = release.tags[item["variant"]].partition(":")
        stored = yaml.safe_load((trained_project.store / "models" / name / version / "model.yaml").read_text())
        assert stored["metadata"]["metrics"]["auc"] == pytest.approx(item["auc"], abs=1e-6)
        assert stored["metadata"]["metrics"]["brier"] == pytest.approx(item["brier"], abs=1e-6)


def test_pushing_twice_changes_nothing(governed: Governed) -> None:
    before = governed.workspace.release.read_bytes()
    code, printed = governed.run("push", "card_default")
    assert code == 0
    assert "is in the store already" in printed
    assert " pushed" not in printed
    assert governed.workspace.release.read_bytes() == before


def test_an_mlflow_server_that_cannot_be_reached_is_named_in_one_line(governed: Governed) -> None:
    report = folder(governed.project) / "report" / "report.json"
    report.unlink()
    governed.monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    governed.monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    code, printed = governed.run("report", "card_default")
    assert code == 1
    assert "error MLflow at MLFLOW_TRACKING_URI did not record the run" in printed
    assert not report.exists()


@pytest.mark.slow
def test_two_trainings_in_two_places_give_the_same_graphs(trained_project: Project, tmp_path: Path) -> None:
    other = make_project(tmp_path / "a" / "longer" / "path")
    other.scorebox("build", "card_default", PYTHONHASHSEED="5")
    names = ["raw/applications.parquet", "applications.parquet", "train.parquet", "test.parquet", "fp32.onnx"]
    names += ["int8/int8.onnx"] if (folder(other) / "int8" / "int8.onnx").exists() else []
    for name in names:
        assert (folder(other) / name).read_bytes() == (folder(trained_project) / name).read_bytes(), name
    one, two = (Release.read(item.folder / "releases" / "card_default.json") for item in (trained_project, other))
    assert one == two


def test_an_explain_graph_of_a_variant_that_is_no_more_goes(governed: Governed) -> None:
    stale = folder(governed.project) / "explain" / "int8.onnx"
    (folder(governed.project) / "int8" / "int8.onnx").unlink(missing_ok=True)
    stale.write_bytes(b"of another training")
    assert governed.run("explain", "card_default")[0] == 0
    assert [path.name for path in stale.parent.iterdir()] == ["fp32.onnx"]
    (stale.parent / "fp32.onnx").unlink()
    printed = governed.run("benchmark", "card_default")[1]
    assert "fp32.onnx is missing; run: scorebox explain card_default" in printed
