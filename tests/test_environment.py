"""`environment.py` hands pip's settings on to uv, finds a CPU build of PyTorch, and manages without uv."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

import environment
from tests.conftest import PROJECT

BACKEND = """
import zipfile

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(f"{wheel_directory}/scorebox-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("small.pth", "")
        wheel.writestr("scorebox-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: scorebox\\nVersion: 1\\n")
        wheel.writestr("scorebox-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n")
        wheel.writestr("scorebox-1.dist-info/RECORD", "")
    return "scorebox-1-py3-none-any.whl"
"""
"""A build backend that needs no package, so that a project can be installed without an index."""


@pytest.fixture
def small_project(tmp_path: Path) -> Path:
    """A project of the same name without dependencies, with `environment.py` in it."""
    shutil.copy(PROJECT / "environment.py", tmp_path)
    (tmp_path / "constraints.txt").touch()
    (tmp_path / "backend.py").write_text(BACKEND)
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "scorebox"\nversion = "1"\n'
    )
    return tmp_path


def run_offline(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `environment.py` of a project without any index, and without this machine's settings."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    variables |= {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "UV_OFFLINE": "1", "UV_NO_CONFIG": "1"}
    variables |= {"UV_TORCH_BACKEND": "cpu", "UV_CACHE_DIR": str(project / "cache")}
    command = [sys.executable, str(project / "environment.py"), *arguments]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


def installed(project: Path) -> str:
    command = [str(project / ".venv" / "bin" / "python"), "-m", "pip", "list"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_every_extra_is_in_the_largest_set_and_serving_needs_no_tests() -> None:
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    # `train` contains `watch`.
    assert set(environment.EXTRAS["everything"].split(",")) == set(extras) - {"watch"}
    assert set(environment.EXTRAS["serve"].split(",")) == {"serve", "train"}


def test_folders_of_pip_reach_uv_by_its_own_separator(tmp_path: Path) -> None:
    pip = {"find-links": f"{tmp_path} https://wheels.example/a\n{tmp_path}/away"}
    assert environment.uv_settings({}, pip) == {"UV_FIND_LINKS": f"{tmp_path},https://wheels.example/a"}


def test_indexes_of_pip_reach_uv_which_then_compares_all_of_them_as_pip_does() -> None:
    pip = {"index-url": "https://a.example", "extra-index-url": "\nhttps://b.example\nhttps://c.example"}
    assert environment.uv_settings({}, pip) == {
        "UV_DEFAULT_INDEX": "https://a.example",
        "UV_EXTRA_INDEX_URL": "https://b.example https://c.example",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


@pytest.mark.parametrize(
    ("setting", "variable"),
    [
        ("find-links", "UV_FIND_LINKS"),
        ("index-url", "UV_DEFAULT_INDEX"),
        ("index-url", "UV_INDEX_URL"),
        ("extra-index-url", "UV_EXTRA_INDEX_URL"),
        ("extra-index-url", "UV_INDEX"),
        ("cert", "SSL_CERT_FILE"),
    ],
)
def test_a_setting_of_uv_wins_over_pip_s(setting: str, variable: str) -> None:
    assert environment.uv_settings({variable: "uv's"}, {setting: "https://pip.example"}) == {}


def python_with_pip() -> Path:
    """Return this Python, or the one that its environment was made from."""
    return Path(sys.executable) if find_spec("pip") else Path(sys.base_prefix) / "bin" / "python3"


def test_pip_s_settings_come_from_its_files_and_the_environment_is_stronger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.conf").write_text(
        "[global]\nfind-links = /global /more\nindex-url = https://global.example\n"
        "[install]\nindex-url = https://install.example\nextra-index-url = https://file.example\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://variable.example")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    settings = environment.pip_settings(python_with_pip())
    assert settings["index-url"] == "https://install.example"
    assert settings["extra-index-url"] == "https://variable.example"
    assert settings["find-links"] == "/global /more"


def lay_wheel(folder: Path, version: str) -> None:
    """Write a wheel of PyTorch with nothing in it but its metadata."""
    with zipfile.ZipFile(folder / f"torch-{version}-py3-none-any.whl", "w") as wheel:
        inside = f"torch-{version}.dist-info"
        wheel.writestr(f"{inside}/METADATA", f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n")
        wheel.writestr(f"{inside}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{inside}/RECORD", "")


@pytest.mark.skipif(sys.platform != "linux", reason="PyTorch's usual build has CUDA on Linux only")
def test_a_cpu_build_at_hand_is_taken_and_one_out_of_reach_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(environment, "UV", Path(sys.executable).parent / "uv")
    version = next(
        line.removeprefix("torch==")
        for line in environment.CONSTRAINTS.read_text().splitlines()
        if line.startswith("torch==")
    )
    places = {"PATH": os.environ["PATH"], "UV_FIND_LINKS": str(tmp_path), "UV_OFFLINE": "1", "UV_NO_CONFIG": "1"}
    places["UV_CACHE_DIR"] = str(tmp_path / "cache")
    lay_wheel(tmp_path, version)
    assert environment.torch_options(places) == []
    assert "the build with CUDA is taken" in capsys.readouterr().out
    lay_wheel(tmp_path, f"{version}+cpu")
    assert environment.torch_options(places) == []
    assert capsys.readouterr().out == ""
    assert environment.torch_options({**places, "UV_TORCH_BACKEND": "cu130"}) == []


@pytest.mark.slow
def test_uv_installs_the_set_and_its_stamps_say_so(small_project: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", small_project / ".venv"], check=True)
    shutil.copy(Path(sys.executable).parent / "uv", small_project / ".venv" / "bin" / "uv")
    done = run_offline(small_project, "serve")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "plain pip" not in done.stdout
    assert "scorebox" in installed(small_project)
    assert (small_project / ".venv" / ".serve").exists()
    assert not (small_project / ".venv" / ".everything").exists()


@pytest.mark.slow
def test_plain_pip_installs_where_uv_cannot_be_had(small_project: Path) -> None:
    done = run_offline(small_project, "everything")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "uv cannot be installed or does not run here" in done.stdout
    assert "plain pip instead" in done.stdout
    assert "scorebox" in installed(small_project)
    assert (small_project / ".venv" / ".serve").exists()
    assert (small_project / ".venv" / ".everything").exists()


@pytest.mark.slow
def test_what_cannot_be_installed_is_one_line_and_leaves_no_stamp(small_project: Path) -> None:
    (small_project / "backend.py").write_text("raise OSError('disk full')\n")
    done = run_offline(small_project, "serve")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "environment: pip could not install it either; its messages are above"
    assert not (small_project / ".venv" / ".serve").exists()


def test_a_set_that_is_not_there_is_refused(small_project: Path) -> None:
    done = run_offline(small_project, "nothing")
    assert (done.returncode, done.stderr) == (
        2,
        "usage: python environment.py serve|desk|everything, or python environment.py uv ...\n",
    )
