"""`scorebox drift`, on a trained project, with files and with journals."""

from __future__ import annotations

import re
import shutil
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore
from inline_snapshot import snapshot
from numpy.typing import NDArray

from pipelines.watch import current_rows
from pipelines.watch.current_rows import from_file, from_journal, sampled, utc
from pipelines.watch.drift import drift
from pipelines.workspace import Workspace
from scoring import models
from scoring.decision import Basis, Variant
from scoring.journal.erasure import erase
from scoring.journal.origin import RequestOrigin
from scoring.journal.record import rows_of
from scoring.journal.writer import Journal
from scoring.models import Release, StoredModel
from scoring.scorecards import load
from tests import home_credit
from tests.pipelines.governed import CARD, Governed
from tests.scoring.journal import made_up
from training.errors import StageError
from training.graph.inputs import graph_inputs
from training.monitoring.drift import compare_column

AMOUNTS = [column for column in CARD.columns if column.startswith(("BILL_AMT", "PAY_AMT"))]


@pytest.fixture
def champion(governed: Governed) -> StoredModel:
    return models.load(governed.release["tags"][governed.release["serving"]])


def rows(governed: Governed) -> pd.DataFrame:
    return pd.read_parquet(governed.workspace.test)


def status(governed: Governed) -> dict[str, Any]:
    found: dict[str, Any] = governed.read(governed.workspace.monitoring / "drift_status.json")
    return found


def journaled(
    frame: pd.DataFrame, stored: StoredModel, *, pd_values: NDArray[np.float32] | None = None, **basis: str
) -> list[str]:
    """Puts decisions of these rows into the journal, and gives their ids; `basis` changes what they rest on."""
    inputs = graph_inputs(frame, stored.graph.columns, stored.graph.text_columns)
    rests_on = made_up.BASIS.model_copy(
        update={
            "model": stored.record.tag,
            "graph_sha256": stored.graph.sha256,
            "columns": stored.graph.columns,
            "fields": CARD.columns,
            **basis,
        }
    )
    made = made_up.decisions((stored.graph.score(inputs) if pd_values is None else pd_values).tolist(), rests_on)
    journal = Journal(Path("journal") / CARD.name)
    journal.open()
    applications = [orjson.dumps([*row.values()]) for row in frame[list(CARD.columns)].to_dict("records")]
    journal.append(made, rows_of(inputs.numeric), applications, [RequestOrigin(len(frame), "request-1")])
    journal.close()
    return made.decision_ids


@pytest.fixture
def gateway() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A server that takes what is pushed: its address, and path and body of every request."""
    taken: list[tuple[str, str]] = []

    class Taking(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            taken.append((self.path, self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Taking) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}", taken
        server.shutdown()


def test_rows_like_the_training_rows_raise_no_alarm(
    governed: Governed, champion: StoredModel, gateway: tuple[str, list[tuple[str, str]]]
) -> None:
    address, taken = gateway
    code, printed = governed.run("drift", CARD.name, str(governed.workspace.test), "--fail", "--pushgateway", address)
    assert code == 0, printed
    assert "drift stable: artifacts/full/card_default/monitoring/drift.html" in printed
    found = status(governed)
    features = found.pop("features")
    assert {item["column"] for item in features} == set(champion.graph.columns)
    assert {item["status"] for item in features} == {"stable"}
    protected = found.pop("protected")
    assert {item["column"] for item in protected} == CARD.protected
    (score,) = found.pop("scores")
    assert score["model"] == found.pop("model") == champion.record.tag
    assert score["drift"]["psi"] == found.pop("score_psi") < 0.05
    for name in ("reference", "checked_at", "because"):
        del found[name]
    assert found == snapshot(
        {
            "scorecard": "card_default",
            "profile": "full",
            "verdict": "stable",
            "due": False,
            "limits": {"share": 0.3, "psi": 0.25, "least_rows": 500},
            "share": 0.0,
            "rows": {
                "source": "artifacts/full/card_default/test.parquet",
                "found": 1000,
                "compared": 1000,
                "erased": 0,
                "since": None,
                "until": None,
            },
            "not_compared": [],
        }
    )
    page = (governed.workspace.monitoring / "drift.html").read_text()
    assert "<strong>Stable</strong>" in page
    assert "SAMPLE DATA" in page
    assert 'href="drift_report.html"' in page
    evidently = (governed.workspace.monitoring / "drift_report.html").read_text()
    assert not re.findall(r'(?:src|href)="https?://(?!plotly.com/")', evidently)
    ((path, pushed),) = taken
    assert path == "/metrics/job/scorebox_drift_card_default"
    assert pushed == (governed.workspace.monitoring / "drift.prom").read_text()
    lines = [line for line in pushed.splitlines() if not line.startswith(("#", "scorebox_feature", "scorebox_score"))]
    assert lines == snapshot(
        [
            'scorebox_drift_share{scorecard="card_default"} 0.0',
            'scorebox_drift_due{scorecard="card_default"} 0.0',
            'scorebox_drift_rows{scorecard="card_default"} 1000.0',
        ]
    )
    assert pushed.count("scorebox_feature_psi{") == len(champion.graph.columns)


def test_shifted_rows_are_named_and_retraining_is_due(governed: Governed, tmp_path: Path) -> None:
    moved = rows(governed).drop(columns="EDUCATION")
    moved[AMOUNTS] *= 4
    moved["LIMIT_BAL"] = 50_000.0
    moved["PAY_6"] = 9
    moved.to_csv(tmp_path / "moved.csv", index=False)
    code, printed = governed.run("drift", CARD.name, str(tmp_path / "moved.csv"), "--fail")
    assert code == 1
    assert "no score: the file does not have EDUCATION, which the graph reads" in printed
    found = status(governed)
    assert (found["verdict"], found["due"], found["score_psi"]) == ("retraining due", True, None)
    features = {item["column"]: item for item in found["features"]}
    assert {name for name, item in features.items() if item["status"] in ("shifted", "missing")} >= {*AMOUNTS}
    assert features["EDUCATION"]["status"] == "missing"
    assert (features["LIMIT_BAL"]["status"], features["LIMIT_BAL"]["one_value"]) == ("shifted", "current")
    assert features["PAY_6"]["status"] == "shifted"
    page = (governed.workspace.monitoring / "drift.html").read_text()
    assert "<strong>Retraining due</strong>" in page
    assert "no value in any application" in page
    assert "one value only in the applications" in page


def test_a_journal_is_compared_by_model_and_what_was_erased_is_left_out(
    governed: Governed, champion: StoredModel
) -> None:
    sample = rows(governed)
    ids = journaled(sample, champion)
    journaled(sample[:50], champion, model="card_default:gone-fp32")
    journaled(sample[:50], champion, policy="another")
    assert len(erase(Path("journal") / CARD.name, ids[:30])) == 30
    code, printed = governed.run("drift", CARD.name, "--fail")
    assert code == 0, printed
    assert f"{len(sample) + 70:,} of {len(sample) + 70:,} applications; 30 erased" in printed
    assert "card_default:gone-fp32: not compared: card_default:gone-fp32 is not in the model store" in printed
    found = status(governed)
    counted = [(score["model"], score["rows"], score["counts"]) for score in found["scores"]]
    assert counted == [(champion.record.tag, len(sample) + 20, True), ("card_default:gone-fp32", 50, False)]
    assert governed.run("drift", CARD.name, "--until", "2020-01-01")[0] == 0
    assert status(governed)["because"] == ["0 applications; fewer than 500 give no verdict."]
    assert "<strong>Too few rows</strong>" in (governed.workspace.monitoring / "drift.html").read_text()
    assert not (governed.workspace.monitoring / "drift_report.html").exists()


@pytest.mark.slow
def test_a_model_of_which_no_decision_is_drawn_is_left_out(
    governed: Governed, champion: StoredModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current_rows, "MOST_ROWS", 500)
    sample = rows(governed)
    journaled(sample, champion)
    for number in range(5):
        journaled(sample[:1], champion, model=f"card_default:{number}-fp32")
    assert governed.run("drift", CARD.name)[0] == 0
    found = status(governed)
    assert (found["rows"]["found"], found["rows"]["compared"]) == (len(sample) + 5, 500)
    assert sum(score["rows"] for score in found["scores"]) == 500
    assert len(found["scores"]) < 6


@pytest.mark.slow
def test_scores_alone_can_say_that_retraining_is_due(governed: Governed, champion: StoredModel) -> None:
    sample = rows(governed)
    scores = champion.graph.score(graph_inputs(sample, champion.graph.columns, champion.graph.text_columns))
    journaled(sample, champion, pd_values=np.sqrt(scores))
    code, printed = governed.run("drift", CARD.name, "--fail")
    assert code == 1
    assert "0 of 20 features (0.0%) have drifted" in printed
    found = status(governed)
    assert (found["share"], found["due"]) == (0, True)


@pytest.mark.slow
def test_few_rows_are_never_due(governed: Governed, tmp_path: Path) -> None:
    moved = rows(governed)[:100]
    moved[AMOUNTS] *= 50
    moved.to_parquet(tmp_path / "few.parquet")
    code, printed = governed.run("drift", CARD.name, str(tmp_path / "few.parquet"), "--fail")
    assert code == 0
    assert "100 applications; fewer than 500 give no verdict." in printed
    found = status(governed)
    assert (found["verdict"], found["due"], found["score_psi"]) == ("too few rows", False, None)
    assert found["share"] > 0.3


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "there is no journal in journal/card_default"),
        (["gone.csv"], "there is no"),
        (["rows.xlsx"], "rows.xlsx looks like an Excel workbook (.xlsx): save its table as CSV"),
        (["other.csv"], "other.csv has none of the columns of card_default in its first line"),
        (["texts.parquet"], "texts.parquet: LIMIT_BAL: Column should hold a number"),
        (["rows.csv", "--since", "2026-01-01"], "--since and --until choose decisions of the journal"),
        (["--since", "yesterday"], "'yesterday' is no date or time of ISO 8601"),
    ],
)
def test_wrong_input_is_named_and_nothing_is_written(governed: Governed, arguments: list[str], complaint: str) -> None:
    with zipfile.ZipFile("rows.xlsx", "w") as workbook:
        workbook.writestr("xl/workbook.xml", "<workbook/>")
    Path("other.csv").write_text("colour\nblue\n")
    pd.DataFrame({"LIMIT_BAL": ["much"]}).to_parquet("texts.parquet")
    code, printed = governed.run("drift", CARD.name, *arguments)
    assert code == 1
    assert complaint in printed
    assert not governed.workspace.monitoring.exists()


def test_another_scorecard_s_journal_is_refused(governed: Governed, champion: StoredModel) -> None:
    journaled(rows(governed)[:5], champion, scorecard="german_credit")
    code, printed = governed.run("drift", CARD.name)
    assert (code, "journal/card_default is the journal of german_credit, not of card_default" in printed) == (1, True)


def test_history_is_compared_as_the_graph_read_it(tmp_path: Path) -> None:
    """And is missing where an older model did not read that column."""
    card = load("home_credit")
    journal = Journal(tmp_path)
    journal.open()
    for columns in (("AMT_CREDIT", "bureau_count", "card_limit_max"), ("bureau_count", "CODE_GENDER")):
        values = np.array([[1_000, 3, np.nan]], dtype=np.float32)[:, : len(columns) - (columns[-1] == "CODE_GENDER")]
        body = {"AMT_CREDIT": 1_000, "NAME_CONTRACT_TYPE": "Cash loans"}
        own = {"scorecard": card.name, "columns": columns, "fields": tuple(body)}
        basis = Basis.model_validate({**made_up.BASIS.model_dump(), **own})
        sent = [orjson.dumps([*body.values()])]
        journal.append(made_up.decisions([0.1], basis), rows_of(values), sent, [RequestOrigin(1, "r")])
    journal.close()
    wanted = ["AMT_CREDIT", "AMT_ANNUITY", "bureau_count", "card_limit_max", "NAME_CONTRACT_TYPE", "CODE_GENDER"]
    current = from_journal(card, wanted, tmp_path, None, None, 0)
    expected = pd.DataFrame(
        {
            "AMT_CREDIT": np.array([1_000, 1_000], dtype=np.float32),
            "AMT_ANNUITY": np.array([np.nan, np.nan], dtype=np.float32),
            "bureau_count": np.array([3, 1_000], dtype=np.float32),
            "card_limit_max": np.array([np.nan, np.nan], dtype=np.float32),
            "NAME_CONTRACT_TYPE": ["Cash loans"] * 2,
            "CODE_GENDER": [None, None],
        }
    )
    pd.testing.assert_frame_equal(current.frame, expected)


@pytest.fixture
def empty_store(tmp_path: Path) -> Iterator[None]:
    BentoMLContainer.model_store.set(ModelStore(tmp_path / "store"))
    yield
    BentoMLContainer.model_store.reset()


@pytest.mark.slow
def test_a_file_without_the_history_is_compared_by_the_application_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_store: None
) -> None:
    monkeypatch.chdir(tmp_path)
    built = home_credit.build(tmp_path)
    workspace = Workspace("home_credit", "full", tmp_path / "artifacts")
    shutil.copy(workspace.applications, workspace.train)
    models.push(built.record, built.content)
    tags: dict[Variant, str] = {"fp32": built.record.tag}
    Release(scorecard="home_credit", version="1", serving="fp32", tags=tags).write(tmp_path / workspace.release)
    known = built.frame.drop(columns=list(home_credit.CARD.history))
    known.to_parquet("known.parquet")
    alone = drift(home_credit.CARD, workspace, home_credit.knobs(), "known.parquet")
    built.frame.to_parquet("whole.parquet")
    whole = drift(home_credit.CARD, workspace, home_credit.knobs(), "whole.parquet")
    past = [column for column in built.graph.columns if column in home_credit.CARD.history]
    assert (alone.verdict, alone.share, alone.score_psi) == ("stable", 0, None)
    assert alone.not_compared == past
    assert {item.column for item in alone.features} == set(built.graph.columns) - set(past)
    assert (whole.verdict, whole.share, whole.score_psi, whole.not_compared) == ("stable", 0, 0, [])
    assert {item.psi for item in whole.features} == {0}


def test_a_file_may_hold_nulls_fields_names_and_what_is_no_number(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("LIMIT_BAL,pay_0,colour\n1000,2,red\n,x,blue\n3000.5,,green\n")
    current = from_file(CARD, ["LIMIT_BAL", "PAY_0", "AGE"], str(tmp_path / "rows.csv"), 0)
    assert current.absent == ("AGE",)
    expected = {"LIMIT_BAL": [1_000, np.nan, 3_000.5], "PAY_0": [2, np.nan, np.nan], "AGE": [np.nan] * 3}
    pd.testing.assert_frame_equal(current.frame, pd.DataFrame(expected, dtype=np.float32))


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
@pytest.mark.parametrize("second", ["LIMIT_BAL", "limit_bal"])
def test_a_column_that_is_given_twice_is_named(tmp_path: Path, name: str, second: str) -> None:
    path = tmp_path / name
    table = pa.table([pa.array([1_000.0]), pa.array([2_000.0])], names=["LIMIT_BAL", second])
    if path.suffix == ".csv":
        path.write_text(f"LIMIT_BAL,{second}\n1000,2000\n")
    else:
        pq.write_table(table, path)
    with pytest.raises(StageError, match=rf"{name}: {second}: Column is given twice"):
        from_file(CARD, ["LIMIT_BAL", "PAY_0"], str(path), 0)


def test_a_file_s_columns_are_read_by_their_values(tmp_path: Path) -> None:
    values = {"LIMIT_BAL": pa.array([1_000, None], pa.decimal128(10, 2)), "PAY_0": pa.array([2, None], pa.uint8())}
    pq.write_table(pa.table({**values, "AGE": pa.nulls(2, pa.string())}), tmp_path / "rows.parquet")
    current = from_file(CARD, ["LIMIT_BAL", "PAY_0", "AGE"], str(tmp_path / "rows.parquet"), 0)
    expected = {"LIMIT_BAL": [1_000, np.nan], "PAY_0": [2, np.nan], "AGE": [np.nan] * 2}
    pd.testing.assert_frame_equal(current.frame, pd.DataFrame(expected, dtype=np.float32))
    pq.write_table(pa.table({"PAY_0": [True, False]}), tmp_path / "booleans.parquet")
    with pytest.raises(StageError, match=r"booleans\.parquet: PAY_0: Column should hold an integer, its type is bool"):
        from_file(CARD, ["LIMIT_BAL", "PAY_0"], str(tmp_path / "booleans.parquet"), 0)


def test_a_sample_is_bounded_repeats_and_takes_early_and_late_rows_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_rows, "MOST_ROWS", 1_000)
    schema = pa.schema({"row": pa.int64()})

    def drawn(seed: int) -> list[int]:
        tables = (pa.table({"row": range(start, start + 700)}, schema) for start in range(0, 21_000, 700))
        kept, found = sampled(tables, schema, seed)
        assert found == 21_000
        rows: list[int] = kept["row"].to_pylist()
        return rows

    first = drawn(1)
    assert len(set(first)) == len(first) == 1_000
    assert first == sorted(first) == drawn(1) != drawn(2)
    # The mean of a thousand of 21,000 rows has a standard deviation of 187.
    assert np.mean([np.mean(drawn(seed)) for seed in range(20)]) == pytest.approx(10_500, abs=190)


def test_evidently_s_psi_has_bins_of_equal_width_and_is_near_ours_where_that_makes_no_difference() -> None:
    """PSI of a normal shift; of amounts with a long tail nearly all rows fall into one of its bins."""
    from pipelines.watch.evidently_report import _quiet

    with _quiet():
        from evidently.legacy.calculations.stattests import psi_stat_test
        from evidently.legacy.core import ColumnType

    def both(before: NDArray[np.floating], now: NDArray[np.floating]) -> tuple[float, float]:
        sides = pd.Series(before), pd.Series(now)
        theirs = psi_stat_test.func(*sides, ColumnType.Numerical, 0.25)[0]
        return float(theirs), compare_column("x", "number", *sides).psi

    generator = np.random.default_rng(0)
    before, now = generator.normal(0, 1, 20_000), generator.normal(0.5, 1, 20_000)
    theirs, ours = both(before, now)
    assert theirs == pytest.approx(0.25, rel=0.1)
    assert ours == pytest.approx(theirs, rel=0.15)
    theirs, ours = both(np.exp(3 * before), np.exp(3 * now))
    assert ours == pytest.approx(0.23, abs=0.02)
    assert theirs < 0.1


def test_times_are_utc_without_an_offset() -> None:
    assert utc("2026-01-31") == "2026-01-31T00:00:00.000+00:00"
    assert utc("2026-01-31T12:00+02:00") == "2026-01-31T10:00:00.000+00:00"
    assert utc(None) is None
    with pytest.raises(StageError):
        utc("31.1.2026")
