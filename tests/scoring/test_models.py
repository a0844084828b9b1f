from __future__ import annotations

from pathlib import Path

import bentoml
import pytest
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore

from scoring.files import write_atomically
from scoring.graph import Graph, GraphIntegrityError, sha256
from scoring.models import ModelRecord, ModelStoreError, Release, load, push
from tests.serving.toy import COLUMNS, graph, record

CONTENT = graph(COLUMNS)


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
    assert stored.graph.sha256 == entry.graph_sha256


def test_pushing_the_same_bytes_again_changes_nothing(store: Path) -> None:
    entry = pushed()
    assert not push(entry, CONTENT)
    assert len(bentoml.models.list()) == 1


def test_a_tag_never_moves_to_other_bytes(store: Path) -> None:
    entry = pushed()
    other = CONTENT + b"\x00"
    with pytest.raises(ModelStoreError, match="is in the store with other bytes"):
        push(entry.model_copy(update={"graph_sha256": sha256(other)}), other)


def test_bytes_that_are_not_the_recorded_ones_are_not_pushed(store: Path) -> None:
    with pytest.raises(ModelStoreError, match="is not the recorded"):
        push(record("fp32", CONTENT, COLUMNS), CONTENT + b"\x00")


def test_a_damaged_model_is_refused_by_hash(store: Path) -> None:
    entry = pushed()
    path = Path(bentoml.models.get(entry.tag).path_of("model.onnx"))
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    with pytest.raises(GraphIntegrityError, match=rf"{entry.tag}: the graph's sha256 is .* was recorded"):
        load(entry.tag)


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
    with pytest.raises(ModelStoreError, match="is not a release"):
        Release.read(path)


def test_a_file_that_is_no_graph_is_refused() -> None:
    with pytest.raises(GraphIntegrityError, match="not a scorecard's graph"):
        Graph(b"not a graph")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, "old")
    with pytest.raises(TypeError):
        write_atomically(path, ["not text"])  # type: ignore[arg-type]
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["file"]
