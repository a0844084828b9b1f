"""Rules that a call of a workflow's script must keep: its command knows it, and what it names exists."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import yaml

from deploy.delivery import manifests
from scoring.scorecards import names
from tests.conftest import PROJECT
from tests.deploy.command_line import COMMAND, refused
from tests.deploy.engine import no_engine
from tests.deploy.manifests import KUBERNETES, OVERLAYS, Manifest, render
from tests.deploy.workflows import VERSION


def wrong(call: list[str]) -> Iterator[str]:
    """Return what is wrong with a call."""
    for problem in _checked(*call):
        yield f"{' '.join(call)}: {problem}"


@cache
def _checked(command: str, *words: str) -> list[str]:
    return list(CHECKS[command](list(words))) if command in CHECKS else []


def _make(words: list[str]) -> Iterator[str]:
    targets = set(re.findall(r"^(\w+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    yield from (f"the Makefile has no {word}" for word in words if word not in targets)


def _scorebox(words: list[str]) -> Iterator[str]:
    if problem := refused([*COMMAND, *words], {}):
        yield problem


def _dvc(words: list[str]) -> Iterator[str]:
    stages = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]
    if words[0] != "repro":
        yield "only `dvc repro` is known here"
    for target in words[1:]:
        stage, _, scorecard = target.partition("@")
        if stage not in stages or scorecard not in names():
            yield f"dvc.yaml has no {target}"


def _python(words: list[str]) -> Iterator[str]:
    if words[0] != "-m":
        yield "only modules are run"
    elif find_spec(words[1]) is None:
        yield f"there is no module {words[1]}"
    elif words[1] != "venv":
        told = _help_of(words[1])
        for option in [word for word in words[2:] if word.startswith("--")]:
            if option not in told:
                yield f"{words[1]} has no {option}"
        if words[1] == manifests.__name__ and words[2] not in OVERLAYS:
            yield f"there is no overlay {words[2]}"


@cache
def _help_of(module: str) -> set[str]:
    command = [sys.executable, "-m", module, "--help"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    return set(re.findall(r"--[a-z-]+", done.stdout))


@cache
def _applied() -> dict[str, dict[str, list[Manifest]]]:
    return {overlay: manifests.rollout_groups(render(KUBERNETES / "overlays" / overlay)) for overlay in OVERLAYS}


def _kubectl(words: list[str]) -> Iterator[str]:
    # Real kubectl parses the options before it says how it is used.
    done = subprocess.run(["kubectl", *words, "--help"], capture_output=True, text=True, check=False)
    if done.returncode:
        yield done.stderr.strip()
    everything = [manifest for parts in _applied().values() for some in parts.values() for manifest in some]
    known = {f"{manifest['kind'].lower()}/{manifest['metadata']['name']}" for manifest in everything}
    for word in words:
        if re.fullmatch(r"(statefulset|deployment|cronjob|service)/\S+", word) and word not in known:
            yield f"no overlay has {word}"
        if file := re.fullmatch(r"manifests/(\w+)/(\w+)\.yaml", word):
            overlay, part = file.groups()
            if part not in _applied().get(overlay, {}):
                yield f"a release writes no {word}"


def _docker(words: list[str]) -> Iterator[str]:
    if shutil.which("docker") is None:
        no_engine("there is no command docker; deploy/engine.sh installs it")
    for word in words:
        if re.fullmatch(r"scorebox_\w+:\S+", word) and not word.endswith(f":{VERSION}"):
            yield f"nothing builds {word}"
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    command = [word for word in words if word.isalpha()][:2]
    subcommand = command if command[0] == "image" else command[:1]
    done = subprocess.run(["docker", *subcommand, "--help"], capture_output=True, text=True, check=False)
    known = set(re.findall(r"--[a-z-]+", done.stdout))
    # What stands after an image is its own command's.
    ours = options if subcommand != ["run"] else options[: _before_image(words)]
    yield from (f"docker {' '.join(subcommand)} has no {option}" for option in ours if option not in known)


def _before_image(words: list[str]) -> int:
    images = [index for index, word in enumerate(words) if "@sha256:" in word or word.endswith(f":{VERSION}")]
    end = images[0] if images else len(words)
    return sum(word.startswith("--") for word in words[:end])


def _file(words: list[str]) -> Iterator[str]:
    path = PROJECT / Path(words[0])
    if not path.is_file():
        yield "there is no such file"


CHECKS = {
    "make": _make,
    "scorebox": _scorebox,
    "dvc": _dvc,
    "python": _python,
    "python3": _python,
    "kubectl": _kubectl,
    "docker": _docker,
    "sudo": _file,
    "hadolint": _file,
}
