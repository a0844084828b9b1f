from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bentoml
import pytest
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore

from scoring.files import write_atomically
from scoring.graph import Graph, GraphIntegrityError
from scoring.models import (
    EXPLAIN_FILE,
    GRAPH_FILE,
    ModelRecord,
    ModelStoreError,
    Release,
    load,
    open_model,
    push,
)
from tests.serving.toy import COLUMNS, content, record

CONTENT = content()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    BentoMLContainer.model_store.set(ModelStore(folder))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture(autouse=True)
def reset_store() -> object:
    yield
    BentoMLContainer.model_store.reset()


def pushed() -> ModelRecord:
    entry = record("fp32", CONTENT, COLUMNS)
    assert push(entry, CONTENT)
    return entry


def test_a_pushed_model_comes_back_with_its_record_and_bytes(store: Path) -> None:
    entry = pushed()
    stored = load(entry.tag)
    assert stored.record == entry
    assert (stored.graph.sha256, stored.explainer.sha256) == (entry.graph_sha256, entry.explain_sha256)


def test_pushing_the_same_bytes_again_changes_nothing(store: Path) -> None:
    entry = pushed()
    assert not push(entry, CONTENT)
    assert len(bentoml.models.list()) == 1


def test_a_tag_never_moves_to_other_bytes(store: Path) -> None:
    entry = pushed()
    for other in (replace(CONTENT, graph=CONTENT.graph + b"\x00"), replace(CONTENT, explain=CONTENT.explain + b"\x00")):
        with pytest.raises(ModelStoreError, match="is in the store with other bytes"):
            push(record("fp32", other, COLUMNS), other)
    assert load(entry.tag).record == entry


@pytest.mark.parametrize("part", ["graph", "explain"])
def test_bytes_that_are_not_the_recorded_ones_are_not_pushed(store: Path, part: str) -> None:
    with pytest.raises(ModelStoreError, match="graph's sha256 is not the recorded"):
        push(record("fp32", CONTENT, COLUMNS), replace(CONTENT, **{part: b"others"}))


@pytest.mark.parametrize("file", [GRAPH_FILE, EXPLAIN_FILE])
def test_a_damaged_model_is_refused_by_hash(store: Path, file: str) -> None:
    entry = pushed()
    path = Path(bentoml.models.get(entry.tag).path_of(file))
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    with pytest.raises(GraphIntegrityError, match=rf"{entry.tag}: the graph's sha256 is .* was recorded"):
        load(entry.tag)


def test_an_explain_graph_of_another_model_is_refused() -> None:
    mixed = replace(CONTENT, explain=content(shift=0.5).explain)
    with pytest.raises(GraphIntegrityError, match="the explain graph is of another model"):
        open_model(record("fp32", mixed, COLUMNS), mixed)


def test_a_missing_model_says_what_to_run(store: Path) -> None:
    with pytest.raises(ModelStoreError, match=r"card_default:1-fp32 is not in the model store; run: scorebox push"):
        load("card_default:1-fp32")


def test_a_missing_release_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(
        ModelStoreError, match=r"there is no release at .*card_default.json; run: scorebox promote card_"
    ):
        Release.read(tmp_path / "card_default.json")


def test_a_broken_release_is_named(tmp_path: Path) -> None:
    path = tmp_path / "card_default.json"
    path.write_text('{"scorecard": "card_default"}')
    with pytest.raises(ModelStoreError, match="is not a release: version: Field required; serving: ") as caught:
        Release.read(path)
    assert "\n" not in str(caught.value)


def test_a_release_that_gives_a_member_twice_is_refused_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "card_default.json"
    path.write_text(
        '{"scorecard": "card_default", "version": "1", "serving": "fp32", '
        '"tags": {"fp32": "card_default:1-fp32", "fp32": "card_default:2-fp32"}}'
    )
    with pytest.raises(ModelStoreError, match=r"is not a release: tags\.fp32: Field is given twice$"):
        Release.read(path)


def test_a_file_that_is_no_graph_is_refused() -> None:
    with pytest.raises(GraphIntegrityError, match="not a scorecard's graph"):
        Graph(b"not a graph")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_next_to_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, "old")
    with pytest.raises(TypeError):
        write_atomically(path, ["not text"])  # type: ignore[arg-type]
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["file"]
