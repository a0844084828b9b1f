"""The built Bento: whole, and alone in an empty folder."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from loadtests.server import free_port
from pipelines.images.bentofile import bentofile
from scoring import scorecards
from scoring.journal.reader import JournalReader
from tests.e2e.server import BENTOML, ROOT, serve
from tests.serving.test_arrow import STREAM, stream_of, table_of
from tests.serving.toy import environment

MAKING_WING = (
    "torch", "sklearn", "pandas", "mlflow", "dvc", "evidently", "typer", "onnx", "onnxscript", "skl2onnx",
    "lightgbm", "catboost", "pandera", "matplotlib", "training", "pipelines", "loadtests", "fastapi", "locust",
)  # fmt: skip


@pytest.fixture
def without_making_wing(tmp_path: Path) -> Path:
    """A folder for PYTHONPATH that makes the imports of the making wing fail, as where only `serve` is installed."""
    folder = tmp_path / "without"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import sys\n\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {MAKING_WING!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n\n"
        "sys.meta_path.insert(0, Missing())\n"
    )
    return folder


@pytest.fixture
def repository(home: Path, tmp_path: Path) -> Path:
    """A copy of what a Bento is built from, with a title of its own to be known by."""
    copy = tmp_path / "repository"
    for name in ("scoring", "serving", "bentos"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "service.py", copy)
    (copy / "bentofile.yaml").symlink_to((ROOT / "bentofile.yaml").readlink())
    (copy / "releases").mkdir()
    shutil.copy(home / "release.json", copy / "releases" / "card_default.json")
    module = copy / "scoring" / "scorecards" / "card_default.py"
    title = scorecards.load("card_default").title
    module.write_text(module.read_text().replace(title, "Title of the copy"))
    return copy


@pytest.mark.slow
@pytest.mark.parametrize("build_file", ["bentofile.yaml", "bentos/card_default/bentofile.yaml"])
def test_a_built_bento_serves_from_an_empty_folder_without_the_repository(
    home: Path, repository: Path, without_making_wing: Path, tmp_path: Path, example: dict[str, Any], build_file: str
) -> None:
    build = [*BENTOML, "build", "--bentofile", build_file, "--output", "tag", "."]
    env = environment(home) | {"PYTHONPATH": str(without_making_wing)}
    run = subprocess.run(build, cwd=repository, env=env, capture_output=True, text=True, check=True)
    tag = run.stdout.strip().splitlines()[-1].removeprefix("__tag__:")
    assert tag.startswith("scorebox_card_default:")
    shutil.rmtree(repository)

    empty = tmp_path / "empty"
    empty.mkdir()
    with serve(home, tag, empty, release=False, PYTHONPATH=str(without_making_wing)) as server:
        assert server.get("/model_info").json()["title"] == "Title of the copy"
        assert server.post("/predict", example).status_code == 200
        table = server.post(
            "/predict_batch", stream_of(table_of([example] * 3)), **{"content-type": STREAM, "accept": STREAM}
        )
        assert pa.ipc.open_stream(table.content).read_all().num_rows == 3
        assert server.get("/docs.json").json()["info"]["title"] == "Title of the copy"
        for path in ("/", "/docs", "/redoc", "/page/decide.js", "/docs/swagger-ui-bundle.js"):
            assert server.get(path).status_code == 200
    assert list(empty.iterdir()) == []


@pytest.mark.slow
def test_a_bento_s_decisions_are_kept_where_it_was_started_and_never_in_it(
    home: Path, repository: Path, tmp_path: Path, example: dict[str, Any]
) -> None:
    build = [*BENTOML, "build", "--output", "tag", "."]
    run = subprocess.run(build, cwd=repository, env=environment(home), capture_output=True, text=True, check=True)
    tag = run.stdout.strip().splitlines()[-1].removeprefix("__tag__:")
    source = home / "bentos" / tag.replace(":", "/") / "src"
    working = tmp_path / "working"
    working.mkdir()
    for setting, place in (("", "journal/card_default"), ("decisions", "decisions")):
        with serve(home, tag, working, release=False, SCOREBOX_JOURNAL=setting) as server:
            name = server.post("/predict", example).json()["decision_id"]
            assert any(
                line["message"] == f"decisions are kept in the journal {working / place}" for line in server.log()
            )
        assert JournalReader(working / place).find(name) is not None
        assert not list(source.rglob("segment-*"))

    # As an earlier version left it.
    (source / "journal").mkdir()
    (working / "decisions").rename(source / "journal" / "card_default")
    start = [*BENTOML, "serve", tag, "--port", str(free_port())]
    env = environment(home)
    refused = subprocess.run(start, cwd=working, env=env, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    (line,) = [line for line in refused.stderr.splitlines() if "scorebox cannot start" in line]
    command = line.partition("then move it: ")[2].partition("; and start with ")[0]
    assert shlex.split(command)[-1] == str(working / "journal" / "card_default-2")
    subprocess.run(["sh", "-ec", command], check=True)
    assert JournalReader(working / "journal" / "card_default-2").find(name) is not None
    with serve(home, tag, working, release=False) as server:
        assert server.post("/predict", example).status_code == 200


@pytest.mark.slow
def test_a_bento_holds_both_variants_and_its_own_release_only(home: Path, repository: Path) -> None:
    (repository / "releases" / "other.json").write_text("{}")
    (repository / "secrets.env").write_text("TOKEN=1")
    build = [*BENTOML, "build", "."]
    subprocess.run(build, cwd=repository, env=environment(home), capture_output=True, check=True)
    (bento,) = home.glob("bentos/scorebox_card_default/*/bento.yaml")
    (service,) = yaml.safe_load(bento.read_text())["services"]
    assert [model["tag"] for model in service["models"]] == ["card_default:1.0.0-fp32", "card_default:1.0.0-int8"]
    source = bento.parent / "src"
    assert {path.name for path in source.iterdir()} == {
        "bentofile.yaml",
        "releases",
        "scoring",
        "service.py",
        "serving",
    }
    assert [path.name for path in (source / "releases").iterdir()] == ["card_default.json"]


@pytest.mark.slow
def test_a_store_inside_the_project_stays_out_of_its_bentos(home: Path, repository: Path) -> None:
    """As `make` has it: the second build must not take in the first one."""
    store = repository / ".bentoml"
    shutil.copytree(home / "models", store / "models")
    for _ in range(2):
        subprocess.run(
            [*BENTOML, "build", "."], cwd=repository, env=environment(store), capture_output=True, check=True
        )
    sources = list(store.glob("bentos/scorebox_card_default/*/src"))
    assert len(sources) == 2
    assert [path for source in sources for path in source.rglob(".bentoml")] == []


def build_files() -> list[Path]:
    return sorted(ROOT.glob("bentos/*/bentofile.yaml"))


def test_every_scorecard_has_a_build_file() -> None:
    assert [path.parent.name for path in build_files()] == list(scorecards.names())


@pytest.mark.parametrize("path", build_files(), ids=lambda path: path.parent.name)
def test_a_build_file_is_of_its_scorecard_and_installs_what_serves(path: Path) -> None:
    assert path.read_text() == bentofile(scorecards.load(path.parent.name))
    build = yaml.safe_load(path.read_text())
    name = path.parent.name
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert build["python"]["packages"] == extras["serve"]
    assert build["args"] == {"scorecard": name}
    assert f"/releases/{name}.json" in build["include"]


def test_the_service_imports_nothing_of_training(home: Path) -> None:
    script = "import sys, service; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    env = environment(home) | {"SCOREBOX_RELEASE": str(home / "release.json")}
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    imported = set(run.stdout.split())
    assert {"service", "scoring", "serving", "onnxruntime"} <= imported
    assert imported.isdisjoint(MAKING_WING)
