"""The life of a model in the registry: challenger, champion, and back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
import pytest
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore

from loadtests.server import free_port
from pipelines.artifacts import read_contents
from scoring import models
from scoring.decision import Variant
from scoring.frames import Frame
from scoring.graph import Graph, sha256
from scoring.models import Content, ModelRecord
from tests.pipelines.governed import CARD, Governed
from tests.serving import toy
from tests.waiting import LONGEST_WAIT, answers, until
from training.errors import StageError
from training.graph.inputs import graph_inputs
from training.parquet import read_parquet

ABSOLUTE = {"verification", "flipped_share", "microseconds_1", "microseconds_256"}
KILLED_BEFORE = {
    "history": "from pipelines.governance.registry import Registry; Registry.write_history = die",
    "alias": "from pipelines.governance.registry import Registry; Registry.point = die",
    "release": "from scoring.models import Release; Release.write = die",
}


def a_little_higher(pd: float) -> float:
    return pd * 1.01


def much_higher(pd: float) -> float:
    return min(pd + 0.15, 0.99)


def turned_round(pd: float) -> float:
    return 1 - pd


def kill_before(governed: Governed, step: str, *command: str) -> None:
    """Runs the command in a process that is killed where it would take the step."""
    script = f"import os\ndie = lambda *_: os.kill(os.getpid(), {signal.SIGKILL:d})\n{KILLED_BEFORE[step]}\n"
    ended = subprocess.run(
        [sys.executable, "-c", f"{script}from pipelines.cli import main; main()", *command],
        cwd=governed.project.folder,
        env=governed.project.environment,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def assert_all_agree_on(governed: Governed, champion: int) -> None:
    registry = governed.registry
    assert registry.aliases()["champion"] == champion
    assert registry.champion_history().champions[-1] == champion
    assert registry.champion_history().unfinished is None
    assert governed.release == registry.version(champion).release.model_dump()
    assert "differs" not in governed.run("registry", CARD.name)[1]


def test_a_build_makes_the_first_model_the_champion(governed: Governed) -> None:
    assert governed.registry.aliases() == {"champion": 1}
    promotion = governed.read(governed.workspace.reports / "promotion.json")
    assert (promotion["promoted"], promotion["champion"]) == (True, None)
    assert set(promotion["gates"]) == ABSOLUTE
    assert_all_agree_on(governed, 1)


def test_a_release_holds_the_registry_s_number_and_one_without_it_is_still_the_champion_s(governed: Governed) -> None:
    assert governed.release["registry_version"] == "1"
    before = {name: value for name, value in governed.release.items() if name != "registry_version"}
    governed.workspace.release.write_text(json.dumps(before))
    printed = governed.run("registry", CARD.name)[1]
    assert "differs" not in printed
    assert "the champion is" not in printed


def test_a_version_tells_where_it_comes_from(governed: Governed) -> None:
    (version,) = governed.registry.versions()
    report = governed.read(governed.workspace.report / "report.json")
    split = governed.read(governed.workspace.split)
    expected = {
        "scorecard": CARD.name,
        "profile": "full",
        "data": "SAMPLE DATA",
        "data_sha256": report["data"]["sha256"],
        "git_revision": report["git_revision"],
        "graph_sha256_fp32": report["graph_sha256"]["fp32"],
        "store_tag_fp32": governed.release["tags"]["fp32"],
        "train_rows_sha256": split["train"]["sha256"],
        "test_rows_sha256": split["test"]["sha256"],
        "cutoff": 0.25,
        "verification": "holds",
    }
    assert {name: getattr(version.tags, name) for name in expected} == expected


def test_mlflow_serves_the_version_as_the_graph_does_and_without_pickle(governed: Governed) -> None:
    mlflow.set_tracking_uri(f"sqlite:///{governed.project.folder}/mlflow.db")
    folder = mlflow.artifacts.download_artifacts(f"models:/{CARD.name}@champion")
    loaded = mlflow.pyfunc.load_model(folder)
    graph = Graph(governed.workspace.fp32.read_bytes())
    application = CARD.request_model(graph.columns).model_validate(CARD.example)
    served = loaded.predict(loaded.input_example)
    assert served["pd"].to_numpy().tobytes() == graph.score(Frame(CARD, graph.columns).inputs([application])).tobytes()
    signature = loaded.metadata.signature
    assert tuple(signature.inputs.input_names()) == graph.columns
    assert {str(kind) for kind in signature.inputs.input_types()} <= {"DataType.long", "DataType.double"}
    assert signature.outputs.input_names() == ["pd"]
    rows, _ = read_parquet(governed.workspace.test)
    whole = loaded.predict(rows[sorted(graph.columns)])["pd"].to_numpy()
    assert whole.tobytes() == graph.score(graph_inputs(rows, graph.columns, graph.text_columns)).tobytes()


def test_a_run_names_the_tables_that_it_read(governed: Governed) -> None:
    (version,) = governed.registry.versions()
    tracked = mlflow.MlflowClient(f"sqlite:///{governed.project.folder}/mlflow.db")
    run = tracked.get_run(models.load(version.release.tags["fp32"]).record.mlflow_run_id)
    assert run.inputs is not None
    read = {item.tags[0].value: item.dataset for item in run.inputs.dataset_inputs}
    assert set(read) == {"training", "testing"}
    for use, digest in (("training", version.tags.train_rows_sha256), ("testing", version.tags.test_rows_sha256)):
        assert read[use].digest == str(digest)[:36]
        assert CARD.target in str(read[use].schema)
    assert not list(governed.project.folder.rglob("*.pkl"))


def test_both_variants_go_into_a_version_and_come_back_into_an_empty_store(governed: Governed) -> None:
    (first,) = governed.registry.versions()
    run = models.load(first.release.tags["fp32"]).record.mlflow_run_id
    contents: dict[Variant, Content] = {"fp32": toy.content(), "int8": toy.content(shift=0.001)}
    records: dict[Variant, ModelRecord] = {
        variant: toy.record(variant, content, toy.COLUMNS).model_copy(update={"mlflow_run_id": run})
        for variant, content in contents.items()
    }
    version, is_new = governed.registry.register(records, contents, {"serving": "int8"})
    assert (version.number, is_new) == (2, True)
    assert governed.registry.register(records, contents, {"serving": "int8"}) == (version, False)
    empty = governed.project.folder / "empty"
    empty.mkdir()
    BentoMLContainer.model_store.set(ModelStore(empty))
    assert governed.registry.restore(version) == ["card_default:1.0.0-fp32", "card_default:1.0.0-int8"]
    assert governed.registry.restore(version) == []
    for variant, content in contents.items():
        stored = models.load(version.release.tags[variant])
        assert stored.record == records[variant]
        assert (stored.graph.sha256, stored.explainer.sha256) == (sha256(content.graph), sha256(content.explain))
    assert version.release.serving == "int8"


def test_a_version_without_an_explain_graph_says_what_to_do(governed: Governed) -> None:
    (first,) = governed.registry.versions()
    (path,) = governed.project.folder.rglob("records.json")
    records = json.loads(path.read_text())
    for record in records.values():
        del record["explain_sha256"]
    path.write_text(json.dumps(records))
    empty = governed.project.folder / "empty"
    empty.mkdir()
    BentoMLContainer.model_store.set(ModelStore(empty))
    with pytest.raises(StageError, match="the record of version 1 of card_default cannot be read; train and push it"):
        governed.registry.restore(first)


@pytest.mark.slow
def test_champions_come_and_go_back_in_order(governed: Governed) -> None:
    first = governed.release
    assert governed.challenge(a_little_higher) == 2
    assert "version 1 is the champion" not in governed.run("registry", CARD.name)[1]
    assert governed.release == first, "a challenger does not serve"
    code, printed = governed.run("promote", CARD.name)
    assert code == 0
    assert "none of these rows were in the champion's training data" in printed
    assert "version 2 is the champion" in printed
    second = governed.release
    assert second["version"] != first["version"]
    assert governed.registry.aliases() == {"champion": 2}

    assert governed.challenge(a_little_higher) == 3
    assert governed.run("promote", CARD.name)[0] == 0
    assert_all_agree_on(governed, 3)
    assert governed.run("rollback", CARD.name)[0] == 0
    assert governed.release == second
    assert_all_agree_on(governed, 2)
    assert governed.run("rollback", CARD.name)[0] == 0
    assert governed.release == first
    assert_all_agree_on(governed, 1)
    assert governed.run("rollback", CARD.name) == (1, "error card_default has no champion before the present one")

    assert "version 3 of card_default is registered already" in governed.run("push", CARD.name)[1]
    code, printed = governed.run("promote", CARD.name)
    assert code == 1, "a build must not undo a rollback"
    assert "error version 3 of card_default was rolled back" in printed
    assert_all_agree_on(governed, 1)
    assert governed.run("promote", CARD.name, "--version", "3")[0] == 0
    assert governed.run("rollback", CARD.name)[0] == 0
    assert_all_agree_on(governed, 1)


@pytest.mark.parametrize(
    ("change", "failing", "holding"),
    [
        (much_higher, {"brier", "expected_calibration_error"}, {"auc", "data"}),
        (turned_round, {"auc", "brier", "verification"}, {"data"}),
    ],
)
def test_a_worse_model_is_refused_and_the_champion_stays(
    governed: Governed, change: Callable[[float], float], failing: set[str], holding: set[str]
) -> None:
    before = governed.release
    governed.challenge(change)
    code, printed = governed.run("promote", CARD.name)
    assert code == 1
    assert "version 1 stays champion and serves" in printed
    assert governed.release == before
    assert governed.registry.aliases() == {"champion": 1, "challenger": 2}
    promotion = governed.read(governed.workspace.reports / "promotion.json")
    verdicts = {name: gate["holds"] for name, gate in promotion["gates"].items()}
    assert promotion["promoted"] is False
    assert failing <= {name for name, holds in verdicts.items() if not holds}
    assert holding <= {name for name, holds in verdicts.items() if holds}
    assert {"approval_gap_AGE", "approval_gap_MARRIAGE", "approval_gap_SEX"} <= set(verdicts)
    auc = promotion["gates"]["auc"]
    assert auc["limit"] == pytest.approx(promotion["champion"]["figures"]["auc"] * 0.98)
    assert auc["value"] == promotion["candidate"]["figures"]["auc"]
    assert str(governed.registry.version(2).tags.promotion).startswith("refused")


def test_sample_data_never_replace_real_data(governed: Governed) -> None:
    (first,) = governed.registry.versions()
    record = models.load(first.release.tags["fp32"]).record
    real = record.model_copy(
        update={"version": "real", "data": record.data.model_copy(update={"sample": False, "sha256": "1" * 64})}
    )
    content = read_contents(governed.workspace)["fp32"]
    names = ("serving", "verification", "profile", "test_auc", "test_brier", "train_rows_sha256", "test_rows_sha256")
    tags = {name: str(getattr(first.tags, name)) for name in names}
    version, _ = governed.registry.register({"fp32": real}, {"fp32": content}, tags)
    code, printed = governed.run("promote", CARD.name, "--version", str(version.number))
    assert code == 0
    assert "the champion is of SAMPLE DATA, no standard for a model of real data" in printed
    assert set(governed.read(governed.workspace.reports / "promotion.json")["gates"]) == ABSOLUTE | {"data"}
    assert governed.release["tags"]["fp32"] == "card_default:real-fp32"

    governed.registry.tag(version.number, "test_rows_sha256", "2" * 64)
    governed.run("push", CARD.name)
    code, printed = governed.run("promote", CARD.name)
    assert code == 1
    assert f"version 1 of card_default fails data; version {version.number} stays champion" in printed
    assert "the champion was trained on other data (111111111111)" in printed
    governed.registry.tag(version.number, "data_sha256", first.tags.data_sha256)
    assert "same data, another split" in governed.run("promote", CARD.name)[1]
    assert governed.release["tags"]["fp32"] == "card_default:real-fp32"


def test_an_alias_that_was_moved_by_hand_is_put_back(governed: Governed) -> None:
    governed.challenge(a_little_higher)
    governed.registry.point("champion", 2)
    difference = "the alias champion is at version 2, the champion history says 1"
    assert difference in governed.run("registry", CARD.name)[1]
    code, printed = governed.run("promote", CARD.name, "--version", "1")
    assert code == 0
    assert f"repaired {difference}" in printed
    assert_all_agree_on(governed, 1)


def test_pushing_the_champion_again_registers_nothing_and_keeps_it(governed: Governed) -> None:
    code, printed = governed.run("push", CARD.name)
    assert code == 0
    assert "version 1 of card_default is registered already" in printed
    os.utime(governed.workspace.release, (0, 0))
    code, printed = governed.run("promote", CARD.name)
    assert governed.workspace.release.stat().st_mtime > 0, "or make would train again each time"
    assert (code, len(governed.registry.versions())) == (0, 1)
    assert "version 1 is the champion already" in printed
    assert governed.registry.aliases() == {"champion": 1}


def test_a_lost_store_and_a_lost_release_come_back_from_the_registry(governed: Governed) -> None:
    release = governed.release
    governed.workspace.release.unlink()
    shutil.rmtree(governed.project.store / "models" / CARD.name)
    assert "release" in governed.run("registry", CARD.name)[1]
    code, printed = governed.run("promote", CARD.name, "--version", "1")
    assert code == 0
    assert "repaired releases/card_default.json cannot be read" in printed
    assert governed.release == release
    assert models.load(release["tags"]["fp32"]).record.version == release["version"]


@pytest.mark.slow
@pytest.mark.parametrize("step", ["history", "alias", "release"])
def test_a_promotion_that_is_killed_is_seen_and_finished(governed: Governed, step: str) -> None:
    governed.challenge(a_little_higher)
    kill_before(governed, step, "promote", CARD.name)
    told = governed.run("registry", CARD.name)[1]
    assert ("differs" in told) == (step != "history")
    assert governed.run("promote", CARD.name)[0] == 0
    assert_all_agree_on(governed, 2)
    assert governed.registry.aliases() == {"champion": 2}
    assert governed.run("rollback", CARD.name)[0] == 0
    assert_all_agree_on(governed, 1)


@pytest.mark.slow
@pytest.mark.parametrize("step", ["history", "alias", "release"])
def test_a_rollback_that_is_killed_goes_back_one_step_and_no_more(governed: Governed, step: str) -> None:
    for _ in range(2):
        governed.challenge(a_little_higher)
        governed.run("promote", CARD.name)
    kill_before(governed, step, "rollback", CARD.name)
    assert governed.run("rollback", CARD.name)[0] == 0
    assert_all_agree_on(governed, 2)


def test_other_test_rows_than_the_candidate_s_are_refused(governed: Governed) -> None:
    governed.challenge(a_little_higher)
    shutil.copy(governed.workspace.train, governed.workspace.test)
    code, printed = governed.run("promote", CARD.name)
    assert code == 1
    assert "test.parquet does not hold the test rows of version 2" in printed
    assert_all_agree_on(governed, 1)


def test_a_version_that_is_not_there_is_named(governed: Governed) -> None:
    code, printed = governed.run("promote", CARD.name, "--version", "9")
    assert (code, printed) == (
        1,
        "error card_default has no version 9 in the registry; see: scorebox registry card_default",
    )


def test_figures_of_other_graphs_are_not_pushed(governed: Governed) -> None:
    report = (governed.workspace.report / "report.json").read_bytes()
    governed.calibrate(a_little_higher)
    (governed.workspace.report / "report.json").write_bytes(report)
    code, printed = governed.run("push", CARD.name)
    assert code == 1
    assert "the graphs are not those that `scorebox report` measured; run it again" in printed
    assert len(governed.registry.versions()) == 1


def test_a_registry_out_of_reach_is_one_line(governed: Governed, monkeypatch: pytest.MonkeyPatch) -> None:
    before = governed.release
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    code, printed = governed.run("rollback", CARD.name)
    assert code == 1
    assert printed.startswith("error MLflow at MLFLOW_TRACKING_URI did not read the champions")
    assert governed.release == before


@pytest.mark.slow
def test_a_build_that_is_refused_ends_with_the_champion_that_still_serves(governed: Governed) -> None:
    governed.challenge(a_little_higher)
    for arguments in (("promote",), ("promote", "--version", "1"), ("rollback",)):
        assert governed.run(arguments[0], CARD.name, *arguments[1:])[0] == 0
    before = governed.release
    code, printed = governed.run("build", CARD.name)
    assert code == 1
    assert "error version 1 of card_default was rolled back" in printed
    assert "version 2 stays champion and serves" in printed
    assert governed.release == before
    assert_all_agree_on(governed, 2)


@pytest.mark.slow
def test_an_mlflow_server_keeps_models_as_the_file_does(governed: Governed, tmp_path: Path) -> None:
    with mlflow_server(tmp_path / "server") as address:
        governed.monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        governed.workspace.release.unlink()
        shutil.rmtree(governed.project.store / "models" / CARD.name)
        for command in ("report", "card", "push", "promote"):
            code, printed = governed.run(command, CARD.name)
            assert code == 0, printed
        assert_all_agree_on(governed, 1)
        governed.challenge(a_little_higher)
        assert governed.run("promote", CARD.name)[0] == 0
        shutil.rmtree(governed.project.store / "models" / CARD.name)
        assert governed.run("rollback", CARD.name)[0] == 0
        assert_all_agree_on(governed, 1)
        assert models.load(governed.release["tags"]["fp32"])


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """A tracking server with a registry and files of its own; gives its address."""
    folder.mkdir()
    port = free_port()
    stores = ["--backend-store-uri", f"sqlite:///{folder}/server.db", "--artifacts-destination", str(folder / "files")]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([*command, *stores], cwd=folder, stdout=log, stderr=log, start_new_session=True)
        try:
            address = f"http://127.0.0.1:{port}"
            until(lambda: server.poll() is not None or answers(f"{address}/health"), (folder / "log").read_text)
            assert server.poll() is None, (folder / "log").read_text()
            yield address
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(LONGEST_WAIT)
