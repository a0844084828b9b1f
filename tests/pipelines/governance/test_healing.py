"""Store, registry and release that are damaged, foreign or out of reach: one line, and the next run puts them right."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import bentoml
import pytest
from mlflow import MlflowClient

from scoring import models
from tests.needs import missing, program
from tests.pipelines.governed import CARD, Governed

DAMAGES: dict[str, Callable[[Path], object]] = {
    "no record": lambda entry: _delete(entry / "model.yaml"),
    "half a record": lambda entry: _halve(entry / "model.yaml"),
    "an empty record": lambda entry: (entry / "model.yaml").write_bytes(b""),
    "no graph": lambda entry: _delete(entry / "model.onnx"),
    "half a graph": lambda entry: _halve(entry / "explain.onnx"),
    "nothing": lambda entry: _delete(*entry.iterdir()),
}


def _delete(*paths: Path) -> None:
    for path in paths:
        path.unlink()


def _halve(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def a_little_higher(pd: float) -> float:
    return pd * 1.01


def client(governed: Governed) -> MlflowClient:
    return MlflowClient(f"sqlite:///{governed.project.folder}/mlflow.db")


def entry_of(governed: Governed) -> tuple[str, Path]:
    """The store's tag of the champion, and the folder of its bytes."""
    tag = governed.release["tags"]["fp32"]
    return tag, Path(bentoml.models.get(tag).path)


@pytest.mark.parametrize("command", ["push", "restore", "promote"])
def test_a_damaged_entry_of_the_store_is_written_anew(governed: Governed, command: str) -> None:
    tag, entry = entry_of(governed)
    whole = {path.name: path.read_bytes() for path in entry.glob("*.onnx")}
    for damage, do in DAMAGES.items():
        do(entry)
        code, printed = governed.run(command, CARD.name)
        assert code == 0, (damage, printed)
        if command == "push":
            assert f"{tag} pushed" in printed, damage
        assert {path.name: path.read_bytes() for path in entry.glob("*.onnx")} == whole, damage
        assert models.load(tag).record.tag == tag
    assert f"{tag} is in the store already" in governed.run("push", CARD.name)[1]
    assert [str(model.tag) for model in bentoml.models.list()] == [tag]
    assert bentoml.models.get(CARD.name).tag == bentoml.models.get(tag).tag
    assert sorted(path.name for path in governed.project.store.iterdir()) == ["models"]


def test_files_and_tags_that_a_version_lacks_are_written_by_the_next_push(governed: Governed) -> None:
    (registered,) = governed.registry.versions()
    tracked = client(governed)
    files = Path(str(tracked.get_model_version(CARD.name, "1").source))
    for damage in range(3):
        if damage == 0:
            (files / "model.onnx").unlink()
        elif damage == 1:
            _halve(files / "explain.onnx")
        else:
            shutil.rmtree(files)
        shutil.rmtree(governed.project.store / "models" / CARD.name)
        code, printed = governed.run("restore", CARD.name)
        assert code == 1
        assert "version 1" in printed
        assert "where it was trained, run: scorebox push card_default" in printed
        assert governed.run("push", CARD.name)[0] == 0
        shutil.rmtree(governed.project.store / "models" / CARD.name)
        assert governed.run("restore", CARD.name)[0] == 0
    tracked.delete_model_version_tag(CARD.name, "1", "verification")
    tracked.delete_model_version_tag(CARD.name, "1", "git_revision")
    assert "verification unknown: run scorebox push where it was trained" in governed.run("registry", CARD.name)[1]
    assert governed.run("push", CARD.name)[0] == 0
    assert governed.registry.versions() == [registered]


def test_a_version_whose_push_was_not_finished_is_not_promoted(governed: Governed) -> None:
    number = governed.challenge(a_little_higher)
    client(governed).delete_model_version_tag(CARD.name, str(number), "verification")
    for command in (["promote"], ["challenge", "--share", "0.1"]):
        code, printed = governed.run(command[0], CARD.name, *command[1:])
        assert code == 1
        assert "version 2 of card_default has no tag verification in the registry; where it was trained" in printed
    assert governed.run("push", CARD.name)[0] == 0
    assert governed.run("promote", CARD.name)[0] == 0
    assert governed.registry.aliases() == {"champion": 2}


def test_foreign_versions_are_listed_and_skipped(governed: Governed) -> None:
    tracked = client(governed)
    tracked.create_model_version(CARD.name, str(governed.project.folder), tags={"owner": "somebody"})
    tracked.set_registered_model_alias(CARD.name, "challenger", "2")
    tracked.set_registered_model_alias(CARD.name, "theirs", "2")
    code, printed = governed.run("registry", CARD.name)
    assert code == 0
    assert "foreign: scorebox push did not register it" in printed
    assert "challenger, theirs" in printed
    for command in (["promote"], ["restore", "--shadow"], ["rollback"], ["challenge", "--share", "0"]):
        code, printed = governed.run(command[0], CARD.name, *command[1:])
        assert "Error" not in printed, printed
    code, printed = governed.run("promote", CARD.name, "--version", "2")
    assert code == 1
    assert "error version 2 of card_default is foreign: scorebox push did not register it" in printed
    assert governed.challenge(a_little_higher) == 3
    assert governed.run("promote", CARD.name)[0] == 0
    assert governed.run("rollback", CARD.name)[0] == 0
    assert governed.registry.aliases() == {"champion": 1, "theirs": 2}


def test_the_champion_never_challenges_itself(governed: Governed) -> None:
    code, printed = governed.run("push", CARD.name)
    assert code == 0
    assert "version 1 of card_default is registered already; it is the champion already" in printed
    assert governed.registry.aliases() == {"champion": 1}
    kept = governed.project.folder / "kept"
    shutil.copytree(governed.project.folder / "artifacts", kept)
    governed.challenge(a_little_higher)
    assert governed.run("promote", CARD.name)[0] == 0
    shutil.rmtree(governed.project.folder / "artifacts")
    shutil.copytree(kept, governed.project.folder / "artifacts")
    assert governed.run("push", CARD.name)[0] == 0
    assert governed.registry.aliases() == {"champion": 2, "challenger": 1}
    assert governed.run("rollback", CARD.name)[0] == 0
    assert governed.registry.aliases() == {"champion": 1}


def test_a_champion_that_is_pushed_again_leaves_the_challenger_alone(governed: Governed) -> None:
    kept = governed.project.folder / "kept"
    shutil.copytree(governed.project.folder / "artifacts", kept)
    governed.challenge(a_little_higher)
    shutil.rmtree(governed.project.folder / "artifacts")
    shutil.copytree(kept, governed.project.folder / "artifacts")
    assert governed.run("push", CARD.name)[0] == 0
    assert governed.registry.aliases() == {"champion": 1, "challenger": 2}


def test_a_history_that_somebody_has_changed_is_one_line(governed: Governed) -> None:
    client(governed).set_registered_model_tag(CARD.name, "scorebox.champions", "1, 2")
    for command in ("registry", "promote", "rollback", "restore", "push"):
        code, printed = governed.run(command, CARD.name)
        assert code == 1
        assert "the tag scorebox.champions of card_default in the registry is not a champion history" in printed


def test_a_linked_release_and_challenge_keep_their_links(governed: Governed) -> None:
    release, challenge = governed.workspace.release, governed.workspace.challenge
    shared = governed.project.folder / "shared"
    shared.mkdir()
    release.rename(shared / "release.json")
    release.symlink_to(shared / "release.json")
    challenge.symlink_to(shared / "challenge.json")
    governed.challenge(a_little_higher)
    assert governed.run("challenge", CARD.name, "--share", "0")[0] == 0
    assert (shared / "challenge.json").exists()
    assert governed.run("promote", CARD.name)[0] == 0
    assert release.is_symlink()
    assert challenge.is_symlink()
    assert not (shared / "challenge.json").exists(), "who follows the target would still challenge"
    assert governed.read(shared / "release.json") == governed.registry.version(2).release.model_dump()


@pytest.mark.slow
def test_nothing_moves_where_the_release_is_a_bind_mount(governed: Governed) -> None:
    governed.challenge(a_little_higher)
    unshare = program("unshare", "it is in util-linux")
    namespace = [unshare, "--mount", "--map-root-user"]
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode:
        missing("no file systems can be mounted here")
    before = governed.registry.aliases(), governed.registry.champion_history(), governed.registry.versions()
    path = str(governed.workspace.release)
    for command in ("promote", "rollback"):
        ended = subprocess.run(
            [
                *[*namespace, "sh", "-c", 'mount --bind "$0" "$0" && exec "$@"', path],
                *[sys.executable, "-m", "pipelines.cli", command, CARD.name],
            ],
            cwd=governed.project.folder,
            env=governed.project.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 1
        assert "Traceback" not in ended.stderr
        if command == "promote":
            assert ended.stderr.splitlines()[-1] == f"error cannot write {path}: Device or resource busy"
    assert (governed.registry.aliases(), governed.registry.champion_history(), governed.registry.versions()) == before
    assert governed.run("promote", CARD.name)[0] == 0
    assert governed.registry.aliases() == {"champion": 2}
