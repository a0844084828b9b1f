"""Install what a set of commands needs into .venv: `python environment.py serve`, or `everything`.

`python environment.py uv ...` runs that uv, with pip's settings, for anything else.

pip brings uv, and uv the rest: its resolver takes seconds where pip's takes minutes. pip's settings hold for uv too,
unless uv has a setting of its own. Where uv cannot be installed, does not run or fails, plain pip does the work.
Nothing but Python's own library is imported, for nothing else is there yet.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parent
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
CONSTRAINTS = PROJECT / "constraints.txt"

OLDEST_PYTHON = (3, 11)
EXTRAS = {
    "serve": "serve,train",
    "desk": "serve,train,desk",
    "everything": "serve,train,ship,desk,release,cluster,load,develop,docs",
}
"""The extras of each set, smallest first: a set contains those before it."""
COMPILED_ONCE = (
    "mlflow, dvc.repo, evidently, pandera, moto.server, hypothesis, kubernetes_validate, alembic, psycopg",
    "torch, onnxscript, bentoml, _bentoml_impl.server.app, catboost, lightgbm, skl2onnx, sklearn.ensemble, "
    "playwright.async_api",
)
"""The libraries that tests import most of, in two halves of about the same time."""
CPU_BUILD = "+cpu"
"""How PyTorch marks the version of a build without CUDA."""


class SetupError(Exception):
    """The environment cannot be made, and why, in one line."""


def main(arguments: list[str]) -> int:
    """Install the set that is named, or run uv, and return the exit code."""
    if arguments[:1] == ["uv"]:
        return subprocess.run([str(UV), *arguments[1:]], env=_uv_environment(), check=False).returncode
    if len(arguments) != 1 or arguments[0] not in EXTRAS:
        sys.stderr.write(f"usage: python environment.py {'|'.join(EXTRAS)}, or python environment.py uv ...\n")
        return 2
    try:
        install(arguments[0])
    except SetupError as error:
        sys.stderr.write(f"environment: {error}\n")
        return 1
    return 0


def install(name: str) -> None:
    """Install a set of extras into .venv and leave a stamp for Make.

    Raises:
        SetupError: Python is too old, there can be no .venv, or neither uv nor pip could install.
    """
    began = time.monotonic()
    _make_venv()
    _log(f"== environment for `{name}`: up to 3 GB, a minute or more")
    requirement = f".[{EXTRAS[name]}]"
    if not (_bring_uv() and _install_by_uv(requirement)):
        _log("plain pip instead: some minutes; on Linux it takes PyTorch's build with CUDA, several GB,")
        _log("unless PIP_FIND_LINKS or PIP_EXTRA_INDEX_URL names a place of CPU builds")
        if not _ran([str(PYTHON), "-m", "pip", "install", "--constraint", str(CONSTRAINTS), "--editable", requirement]):
            raise SetupError("pip could not install it either; its messages are above")
    if name == "everything":
        _compile_once()
    for contained in list(EXTRAS)[: list(EXTRAS).index(name) + 1]:
        (VENV / f".{contained}").touch()
    _log(f"environment for `{name}` is complete after {time.monotonic() - began:.0f} s")


def uv_settings(environment: Mapping[str, str], pip: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that hand pip's settings on to uv; none of a setting that uv has already.

    pip separates places by white space and uv folders of files by commas. pip looks at every index for the best
    version, so uv must too when it gets pip's indexes. A folder that is not there is left out: pip ignores it, and
    uv would stop.
    """
    handed_on = {}
    places = [place for place in pip.get("find-links", "").split() if "://" in place or Path(place).exists()]
    if places and "UV_FIND_LINKS" not in environment:
        handed_on["UV_FIND_LINKS"] = ",".join(places)
    if "index-url" in pip and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & environment.keys():
        handed_on["UV_DEFAULT_INDEX"] = pip["index-url"]
    if "extra-index-url" in pip and not {"UV_INDEX", "UV_EXTRA_INDEX_URL"} & environment.keys():
        handed_on["UV_EXTRA_INDEX_URL"] = " ".join(pip["extra-index-url"].split())
        handed_on["UV_INDEX_STRATEGY"] = environment.get("UV_INDEX_STRATEGY", "unsafe-best-match")
    if "cert" in pip and "SSL_CERT_FILE" not in environment:
        handed_on["SSL_CERT_FILE"] = pip["cert"]
    return handed_on


def pip_settings(python: Path) -> dict[str, str]:
    """Return pip's settings by their names, from its files and, stronger than these, from the environment."""
    listed = subprocess.run([python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    found = {}
    for section in ("global.", "install.", ":env:."):
        for line in listed.stdout.splitlines():
            setting, separator, value = line.partition("=")
            if separator and setting.startswith(section):
                found[setting.removeprefix(section)] = str(ast.literal_eval(value))
    return found


def torch_options(environment: Mapping[str, str]) -> list[str]:
    """Return the options with which uv takes PyTorch's CPU build where one is within reach.

    None where uv finds a CPU build in the places that it knows, where it is told what to take, and outside Linux,
    where the usual build has no CUDA.
    """
    if sys.platform != "linux" or "UV_TORCH_BACKEND" in environment or CPU_BUILD in _torch_version(environment, []):
        return []
    options = ["--torch-backend", "cpu"]
    # An index that cannot be reached must not hold the installation up for its usual retries.
    if CPU_BUILD in _torch_version({**environment, "UV_HTTP_RETRIES": "1"}, options):
        return options
    _log("no CPU build of PyTorch is within reach: the build with CUDA is taken, several GB more")
    return []


def _torch_version(environment: Mapping[str, str], options: list[str]) -> str:
    """Return the requirement that uv would install for PyTorch, such as `torch==2.13.0+cpu`; empty if there is none."""
    command = [str(UV), "pip", "compile", "-", "--quiet", "--no-deps", "--no-header", "--no-annotate"]
    command += ["--constraint", str(CONSTRAINTS), "--python", str(PYTHON), *options]
    done = subprocess.run(command, env=environment, input="torch", capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _make_venv() -> None:
    """Make .venv unless its Python runs, and see to pip in it.

    Raises:
        SetupError: Python is too old, or venv fails.
    """
    if sys.version_info[:2] < OLDEST_PYTHON:
        raise SetupError(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: make PYTHON=python3.13")
    if not _answers([str(PYTHON), "-c", ""]) and not _ran([sys.executable, "-m", "venv", "--clear", str(VENV)]):
        raise SetupError(f"{sys.executable} -m venv failed; Debian and Ubuntu have it in the package python3-venv")
    if not _answers([str(PYTHON), "-m", "pip", "--version"]):
        _ran([str(PYTHON), "-m", "ensurepip"])


def _bring_uv() -> bool:
    """Install uv into .venv by pip, and return whether it is there and runs."""
    if not _answers([str(UV), "--version"]):
        _log("installing uv")
        pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if not (_ran([*pip, "--constraint", str(CONSTRAINTS), "uv"]) and _answers([str(UV), "--version"])):
            _log("uv cannot be installed or does not run here")
            return False
    return True


def _install_by_uv(requirement: str) -> bool:
    """Install the project with extras, and return whether uv could."""
    environment = _uv_environment()
    command = [str(UV), "pip", "install", "--python", str(PYTHON), "--constraint", str(CONSTRAINTS)]
    # Byte code is not compiled ahead: that takes a minute of CPU time, and most modules are never imported.
    return _ran([*command, *torch_options(environment), "--editable", requirement], environment)


def _compile_once() -> None:
    """Import large libraries, in a process for each half, so that Python compiles the modules that tests import.

    Each of the tests' processes would compile all of them at its start, at the same time as the others.
    """
    running = [
        subprocess.Popen([str(PYTHON), "-c", f"import {half}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for half in COMPILED_ONCE
    ]
    for process in running:
        process.wait()


def _uv_environment() -> dict[str, str]:
    """Return the environment's variables with pip's settings for uv among them."""
    return {**os.environ, **uv_settings(os.environ, pip_settings(PYTHON))}


def _ran(command: list[str], environment: Mapping[str, str] | None = None) -> bool:
    """Run a command in the project's folder with its output shown, and return whether it succeeded."""
    return subprocess.run(command, cwd=PROJECT, env=environment, check=False).returncode == 0


def _answers(command: list[str]) -> bool:
    """Return whether a command is there and succeeds; its output is not shown."""
    return shutil.which(command[0]) is not None and (
        subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


def _log(message: str) -> None:
    """Write a line at once, in its order with what the programs write."""
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
