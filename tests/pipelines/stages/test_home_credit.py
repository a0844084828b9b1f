"""home_credit from its tables to a PD: one law for training, the service and portfolios."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.portfolio import inputs, run
from scoring.features import raw_columns
from scoring.frames import Frame, history_columns, thin_frame
from scoring.history.opening import open_history
from scoring.history.store import HistoryStore
from scoring.models import open_model
from scoring.policy import CutoffPolicy
from tests.home_credit import CARD, SMALL, UNKNOWN, Built, applications, build
from tests.training.true_reasons import letters
from training.candidate import fit_candidate, prepare_candidate
from training.competition_params import Candidate
from training.errors import StageError
from training.graph.frontend import feature_matrix, feature_names
from training.graph.inputs import graph_inputs
from training.tables.home_credit.tables import TABLES_BY_NAME
from training.workers import workers


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(tmp_path_factory.mktemp("home_credit"))


@pytest.fixture
def store(built: Built) -> Iterator[HistoryStore]:
    graph = built.graph
    with closing(open_history(str(built.history), CARD, history_columns(CARD, graph.columns))) as opened:
        yield opened


def trained_pd(built: Built, frame: pd.DataFrame) -> bytes:
    return built.graph.score(graph_inputs(frame, built.trained.specification.columns, CARD.text_columns)).tobytes()


@pytest.mark.slow
def test_every_sentence_of_a_letter_is_true_of_fields_and_history(built: Built) -> None:
    model = open_model(built.record, built.content)
    found = letters(CARD, model.graph, model.explainer, built.frame)
    assert len(found.rows) > 50
    assert found.untrue == []
    assert [gap for gap in found.gaps if not gap[2]] == []
    assert None not in {statement for letter in found.statements for _, statement in letter}


def test_training_service_and_portfolio_give_the_same_bits(built: Built, store: HistoryStore, tmp_path: Path) -> None:
    graph = built.graph
    frame = Frame(CARD, graph.columns, store)
    by_json = frame.inputs(applications(built.frame))
    table = pa.Table.from_pandas(built.frame[list(CARD.columns)], preserve_index=False)
    read = frame.read_table(table)
    by_table = read.inputs
    assert (len(read.positions), read.errors) == (len(built.frame), [])
    expected = trained_pd(built, built.frame)
    assert graph.score(by_json).tobytes() == graph.score(by_table).tobytes() == expected

    pq.write_table(table, tmp_path / "in.parquet")
    model = open_model(built.record, built.content)
    portfolio = inputs.find(CARD, thin_frame(CARD, graph.columns), str(tmp_path / "in.parquet"))
    to = run.targets(portfolio, str(tmp_path / "out.parquet"), None)
    run.score(
        CARD,
        model,
        CutoffPolicy.of(CARD),
        portfolio,
        to,
        most_rejected=0,
        engine="local",
        advance=lambda rows: None,
        history=str(built.history),
    )
    scored = pq.read_table(tmp_path / "out.parquet")
    assert scored.column("pd").to_numpy().tobytes() == expected
    assert scored.column("SK_ID_CURR").to_pylist() == built.frame["SK_ID_CURR"].tolist()
    assert set(scored.column("thin_file").to_pylist()) == {False}


def test_an_unknown_client_has_the_stated_defaults(built: Built, store: HistoryStore) -> None:
    rows = built.frame.head(20).assign(SK_ID_CURR=np.arange(20) + UNKNOWN - 20)
    scored = Frame(CARD, built.graph.columns, store).inputs(applications(rows))
    assert scored.known is not None
    assert not scored.known.any()
    without = rows.assign(**CARD.history)
    assert built.graph.score(scored).tobytes() == trained_pd(built, without)
    assert trained_pd(built, without) != trained_pd(built, rows)


def test_a_client_without_a_row_in_any_table_of_history_has_these_defaults_too(built: Built) -> None:
    counts = [name for name in CARD.history if name.endswith("_count") and name.count("_") == 1]
    empty = built.frame[(built.frame[counts] == 0).all(axis=1)]
    assert not empty.empty, "every sample client has a history"
    np.testing.assert_array_equal(empty[list(CARD.history)], np.tile(list(CARD.history.values()), (len(empty), 1)))


def test_a_score_of_missing_values_and_text_does_not_depend_on_its_neighbours(built: Built) -> None:
    graph = built.graph
    rows = graph_inputs(built.frame.head(400), built.trained.specification.columns, CARD.text_columns)
    # History of one client in three is gone.
    first = len(rows.numeric[0]) - len(history_columns(CARD, graph.columns))
    rows.numeric[::3, first:] = np.nan
    alone = np.concatenate([graph.score(rows[row : row + 1]) for row in range(len(rows))])
    sizes = range(1, len(rows) + 1)
    assert [size for size in sizes if graph.score(rows[:size]).tobytes() != alone[:size].tobytes()] == []


@pytest.mark.parametrize(
    ("candidate", "complaint"),
    [
        (Candidate(family="forest", features="engineered"), "forest takes no missing values, and features engineered"),
        (SMALL.model_copy(update={"imbalance": "smote"}), "choose a feature set that fills them"),
    ],
)
def test_a_candidate_that_cannot_do_with_missing_values_is_named(
    built: Built, candidate: Candidate, complaint: str
) -> None:
    def fit() -> None:
        prepared = prepare_candidate(
            CARD, "wrong", candidate, built.frame, fold_count=2, seed=1, protected_fields=False, rare_level_rows=0
        )
        with workers() as in_processes:
            fit_candidate(prepared, in_processes, search_iterations=0, advance=lambda name, fits: None)

    with pytest.raises(StageError, match=f"candidate wrong: .*{complaint}"):
        fit()


def table(
    built: Built, name: str, columns: Mapping[str, Any] | None = None, *, protected: bool = False
) -> pd.DataFrame:
    blocks = CARD.features[name](protected)
    used = [column for column in CARD.inputs if column in raw_columns(blocks)]
    frame = built.frame.head(200).assign(**(columns or {}))
    matrix = feature_matrix(blocks, used, graph_inputs(frame, used, CARD.text_columns))
    return pd.DataFrame(matrix, columns=feature_names(blocks))


def test_no_employment_is_missing_and_not_a_thousand_years(built: Built) -> None:
    none = (built.frame["DAYS_EMPLOYED"] == 365_243).head(200)
    assert 0 < none.sum() < 200
    found = table(built, "engineered")
    assert found["DAYS_EMPLOYED"].isna().tolist() == none.tolist()
    assert found["not employed"].tolist() == none.astype(float).tolist()
    assert found["DAYS_EMPLOYED"].max() <= 0


def test_the_scores_are_summed_up_by_those_there_are(built: Built) -> None:
    columns = {"EXT_SOURCE_1": np.nan, "EXT_SOURCE_2": 0.25, "EXT_SOURCE_3": 0.75}
    first = table(built, "application", columns).iloc[0]
    assert (first["known scores"], first["mean score"], first["worst score"], first["best score"]) == (
        2,
        0.5,
        0.25,
        0.75,
    )
    assert table(built, "application", dict.fromkeys(columns, np.nan))["mean score"].isna().all()


@pytest.mark.parametrize("protected", [False, True])
def test_the_filled_features_hold_no_missing_and_no_infinite_value(built: Built, protected: bool) -> None:
    matrix = table(built, "filled", CARD.history, protected=protected).to_numpy()
    assert np.isfinite(matrix).all()
    assert np.isfinite(table(built, "filled", protected=protected).to_numpy()).all()


@pytest.mark.parametrize("name", sorted(CARD.features))
def test_protected_columns_stay_out_unless_they_are_let_in(name: str) -> None:
    assert raw_columns(CARD.features[name](False)) & CARD.protected == set()
    assert raw_columns(CARD.features[name](True)) & CARD.protected == CARD.protected
    assert CARD.key not in raw_columns(CARD.features[name](True))


def test_the_application_s_fields_are_those_of_the_raw_table() -> None:
    raw = {column.name: column for column in TABLES_BY_NAME["application_train"].columns if column.name != CARD.target}
    assert list(CARD.columns) == list(raw)
    for rule in CARD.rules:
        column = raw[rule.column]
        assert set(rule.choices) == set(column.choices), rule.column
        assert rule.required == (column.missing == 0 and rule.column not in CARD.protected), rule.column
        if rule.column not in (CARD.key, *column.choices) and rule.kind != "text":
            assert (rule.minimum, rule.maximum) == (column.minimum, column.maximum), rule.column
        assert rule.sentinels == ((column.sentinel.value,) if column.sentinel else ()), rule.column


def test_made_up_traffic_is_valid() -> None:
    from loadtests.traffic import sample_applications

    for body in sample_applications(CARD, 200):
        CARD.application.model_validate(dict(body))
