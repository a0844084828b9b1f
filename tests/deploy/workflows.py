"""The workflows' scripts, run as GitHub would run them, with stand-ins for every command that does something."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from scoring.scorecards import names
from tests.conftest import PROJECT
from tests.waiting import LONGEST_WAIT

GITHUB = PROJECT / ".github"
BRANCHES = ("develop", "main")
DIGEST = "sha256:" + "5" * 64
VERSION = "1.0.0-0123456789ab"
"""Standard output of `scorebox image` and `scorebox watch-image`: the images that they build."""

STAND_IN = """\
#!/bin/bash
printf '%s\\0' "${0##*/}" "$@" >>CALLS
printf '\\n' >>CALLS
case "${0##*/} $*" in
  "scorebox watch-image"*) echo "scorebox_watch:VERSION" ;;
  "scorebox image"*--shipper*) echo "scorebox_$2_shipper:VERSION" ;;
  "scorebox image"*) echo "scorebox_$2:VERSION" ;;
  "docker image inspect"*) last=${@: -1}; echo "${last%:*}@DIGEST" ;;
  "docker run --detach"*) echo container ;;
  "docker port"*) echo 127.0.0.1:32768 ;;
  *" get services"*) echo service/card-default-server ;;
  *" get statefulsets"*) echo card-default-server card-default-server-5d9 ;;
  *" get controllerrevision"*) echo 3 ;;
  *" get pods"*) echo 0 0 ;;
esac
"""
COMMANDS = ("make", "scorebox", "dvc", "python", "python3", "pip", "docker", "kubectl", "sudo", "hadolint", "sleep")
"""Those that are only noted. Everything else is run: bash, coreutils, grep, and the project's own scripts."""


@dataclass(frozen=True)
class Step:
    """A script of a job or of an action, with its variables."""

    where: str
    script: str
    environment: dict[str, str]


@dataclass(frozen=True)
class Ran:
    """A script's end: its exit code, what it wrote, and what it called."""

    code: int
    output: str
    calls: list[list[str]]


def read(path: Path) -> dict[Any, Any]:
    content: dict[Any, Any] = yaml.safe_load(path.read_text())
    return content


def workflows(folder: Path = GITHUB) -> dict[str, dict[Any, Any]]:
    """Every workflow, by name."""
    return {path.stem: read(path) for path in sorted((folder / "workflows").glob("*.yml"))}


def actions(folder: Path = GITHUB) -> dict[str, dict[Any, Any]]:
    """Every action of the repository's own, by name."""
    return {path.parent.name: read(path) for path in sorted((folder / "actions").glob("*/action.yml"))}


def steps(folder: Path = GITHUB) -> Iterator[Step]:
    """Every script, once for each branch and each combination of its job's matrix."""
    for name, workflow in workflows(folder).items():
        for job_name, job in workflow["jobs"].items():
            for branch, matrix in itertools.product(BRANCHES, _combinations(job)):
                for number, step in enumerate(job.get("steps", [])):
                    if "run" in step:
                        variables = {
                            **workflow.get("env", {}),
                            **job.get("env", {}),
                            **step.get("env", {}),
                            "GITHUB_REF_NAME": branch,
                        }
                        environment = {key: _evaluated(value, branch, matrix) for key, value in variables.items()}
                        yield Step(f"{name}.{job_name}[{number}]", step["run"], environment)
    for name, action in actions(folder).items():
        for number, step in enumerate(action["runs"]["steps"]):
            if "run" in step:
                environment = {key: _evaluated(value, "main", {}) for key, value in step.get("env", {}).items()}
                yield Step(f"actions/{name}[{number}]", step["run"], environment)


def unique(found: Iterator[Step]) -> list[Step]:
    """Without those that do the same, whichever branch they are of."""
    seen: dict[tuple[str, str, str], Step] = {}
    for step in found:
        environment = {key: value for key, value in step.environment.items() if key != "GITHUB_REF_NAME"}
        seen.setdefault((step.where, step.script, repr(sorted(environment.items()))), replace(step))
    return list(seen.values())


def run(step: Step, folder: Path) -> Ran:
    """Runs a script in a folder that looks like a checkout in which the steps before have run."""
    checkout = folder / "checkout"
    _lay_out(checkout)
    calls = folder / "calls"
    calls.write_text("")
    stand_ins = folder / "bin"
    stand_ins.mkdir()
    for command in COMMANDS:
        _stand_in(stand_ins / command, calls)
    _stand_in(checkout / ".venv" / "bin" / "pip", calls)
    environment = {
        **{key: value.replace("WORKSPACE", str(checkout)) for key, value in step.environment.items()},
        "PATH": f"{stand_ins}:{os.environ['PATH']}",
        "HOME": str(folder),
        "KUBECONFIG": str(checkout / "kubeconfig"),
        "GITHUB_ACTOR": "somebody",
        "GITHUB_REPOSITORY_OWNER": "Somebody",
        "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
        **{name: str(folder / name.lower()) for name in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_ENV")},
    }
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.script],
        cwd=checkout, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST_WAIT,
    )  # fmt: skip
    noted = [line.rstrip("\0").split("\0") for line in calls.read_text().splitlines()]
    return Ran(done.returncode, done.stdout + done.stderr, noted)


def _stand_in(path: Path, calls: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(STAND_IN.replace("CALLS", str(calls)).replace("DIGEST", DIGEST).replace("VERSION", VERSION))
    path.chmod(0o755)


def _lay_out(checkout: Path) -> None:
    checkout.mkdir()
    for name in ("deploy", ".ci", "constraints.txt"):
        (checkout / name).symlink_to(PROJECT / name)
    for name in ("artifacts/images", "releases", "released"):
        (checkout / name).mkdir(parents=True)
    (checkout / "artifacts" / "images" / "scorebox.cdx.json").write_text("{}")
    for scorecard in names():
        for folder in ("releases", "released"):
            (checkout / folder / f"{scorecard}.json").write_text('{"version": "1.0.0"}')
        images = [f"ghcr.io/somebody/scorebox_{scorecard}{part}@{DIGEST}\n" for part in ("", "_shipper")]
        (checkout / "released" / f"{scorecard}.images").write_text("".join(images))
    (checkout / "released" / "watch.images").write_text(f"ghcr.io/somebody/scorebox_watch@{DIGEST}\n")
    for folder in ("releases", "released"):
        (checkout / folder / "card_default.challenger.json").write_text("{}")
    (checkout / "before.txt").write_text("card-default-server 3\n")


def _combinations(job: dict[str, Any]) -> Iterator[dict[str, str]]:
    matrix = job.get("strategy", {}).get("matrix", {})
    for values in itertools.product(*matrix.values()):
        yield dict(zip(matrix, values, strict=True))


GIVEN = {
    "github.workspace": "WORKSPACE",
    "github.run_id": "1",
    "github.run_attempt": "1",
    "vars.CANARY_MINUTES || '30'": "30",
    "vars.WATCHED_NAMESPACE": "scorebox",
    "inputs.overlays": "prod canary",
    "inputs.nginx-image": f"registry.example/nginx-unprivileged@{DIGEST}",
    "steps.build.outputs.service": f"scorebox_card_default:{VERSION}",
    "steps.build.outputs.shipper": f"scorebox_card_default_shipper:{VERSION}",
    "steps.build.outputs.watch": f"scorebox_watch:{VERSION}",
    "needs.base.outputs.image": f"python@{DIGEST}",
}


def _evaluated(value: str, branch: str, matrix: dict[str, str]) -> str:
    def value_of(found: re.Match[str]) -> str:
        expression = found[1]
        if expression.startswith("matrix."):
            return matrix[expression.removeprefix("matrix.")]
        if expression.startswith(("secrets.", "inputs.kubeconfig")):
            return "secret"
        if either := re.fullmatch(r"github\.ref_name == 'main' && '([\w-]+)' \|\| '([\w-]+)'", expression):
            return either[1] if branch == "main" else either[2]
        return GIVEN[expression]

    return re.sub(r"\$\{\{ (.+?) \}\}", value_of, str(value))


def copy(folder: Path) -> Path:
    """A copy of the workflows to break."""
    return Path(shutil.copytree(GITHUB, folder / "repository" / ".github"))
