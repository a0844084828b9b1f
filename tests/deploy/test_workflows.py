"""The workflows hold GitHub's schema, zizmor's audits and the project's rules, and call only what exists.

They are checked here without GitHub, where they have not run.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT
from tests.deploy import workflow_rules
from tests.deploy.workflows import GITHUB, Step, actions, copy, run, steps, unique, workflows

SCHEMAS = {
    "vendor.github-workflows": "workflows/*.yml",
    "vendor.github-actions": "actions/*/action.yml",
    "vendor.dependabot": "dependabot.yml",
}
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
pytestmark = pytest.mark.slow
DELIVERY = PROJECT / "docs" / "how-to" / "delivery.md"


def change(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text()
    assert old in text, old
    path.write_text(text.replace(old, new, 1))


def against_schema(folder: Path) -> list[str]:
    """Return what the schemas say of the files in a `.github`."""
    said = []
    for schema, pattern in SCHEMAS.items():
        files = [str(path) for path in sorted(folder.glob(pattern))]
        assert files, pattern
        command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said.append(done.stdout + done.stderr)
    return said


def findings(folder: Path) -> list[str]:
    """The names of zizmor's audits that find something."""
    command = [
        str(Path(sys.executable).parent / "zizmor"),
        "--offline",
        "--format",
        "json",
        "--quiet",
        str(folder.parent),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return [finding["ident"] for finding in found if not finding["ignored"]]


def against_rules(folder: Path) -> Iterator[str]:
    """Return what the project's own rules say."""
    for path in sorted(folder.rglob("*.yml")):
        for used in re.findall(r"uses: (.+)", path.read_text()):
            if not used.startswith("./.github/") and not PINNED.fullmatch(used):
                yield f"{path.name}: {used} is not pinned by commit with its version next to it"
    for name, workflow in workflows(folder).items():
        if workflow.get("permissions") != {}:
            yield f"{name}: permissions are not each job's own"
        if "concurrency" not in workflow:
            yield f"{name}: two runs may be at once"
        if workflow.get("defaults") != {"run": {"shell": "bash"}}:
            yield f"{name}: what fails in a pipe goes unseen"
        for job_name, job in workflow["jobs"].items():
            if "steps" in job and "timeout-minutes" not in job:
                yield f"{name}.{job_name}: it may hang for six hours"
    local = {f"./.github/actions/{name}" for name in actions(folder)}
    local |= {f"./.github/workflows/{name}.yml" for name in workflows(folder)}
    for path in sorted(folder.rglob("*.yml")):
        yield from (
            f"{path.name}: {used}" for used in re.findall(r"uses: (\./\S+)", path.read_text()) if used not in local
        )
    for step in steps(folder):
        if "${{" in step.script:
            yield f"{step.where}: an expression inside a script"


def against_commands(step: Step, folder: Path) -> Iterator[str]:
    """Return what a script calls that is not there."""
    ran = run(step, folder)
    if ran.code:
        yield f"{step.where}: exit code {ran.code}: {ran.output}"
    for call in ran.calls:
        yield from (f"{step.where}: {problem}" for problem in workflow_rules.wrong(call))


def test_every_file_holds_its_schema() -> None:
    assert against_schema(GITHUB) == []


def test_zizmor_finds_nothing() -> None:
    assert findings(GITHUB) == []


def test_what_zizmor_is_told_to_ignore_is_justified_next_to_it() -> None:
    for path in GITHUB.rglob("*.yml"):
        lines = path.read_text().splitlines()
        for before, line in pairwise(lines):
            if "zizmor: ignore" in line or "self-repository:" in line:
                assert len(before.strip().removeprefix("#").split()) > 5, line


def test_every_rule_of_the_project_holds() -> None:
    assert list(against_rules(GITHUB)) == []


@pytest.mark.parametrize("step", unique(steps()), ids=lambda step: step.where)
def test_every_command_of_a_script_exists(step: Step, tmp_path: Path) -> None:
    assert list(against_commands(step, tmp_path)) == []


def test_a_command_that_does_not_exist_is_found_at_once(tmp_path: Path) -> None:
    step = Step("here", "make tidy\nscorebox restored card_default\nsudo .ci/install", {})
    assert len(list(against_commands(step, tmp_path))) == 3


@pytest.mark.slow
def test_the_scripts_do_call_something(tmp_path: Path) -> None:
    called = set()
    for number, step in enumerate(unique(steps())):
        (folder := tmp_path / str(number)).mkdir()
        called |= {" ".join(call[:3]) for call in run(step, folder).calls}
    assert {
        "make test", "make lint", "make slow", "make load", "scorebox restore card_default", "docker push --quiet",
        "dvc repro card@home_credit", "python -m deploy.delivery.smoke", "python -m deploy.delivery.manifests",
    } <= called  # fmt: skip
    assert "kubectl --namespace scorebox" in called
    assert "kubectl --namespace scorebox-staging" in called


BROKEN: list[tuple[str, str, str, str]] = [
    ("workflows/ci.yml", "run: make lint", "run: make tidy", "the Makefile has no tidy"),
    ("workflows/ci.yml", "card@card_default", "cart@card_default", "dvc.yaml has no cart@card_default"),
    ("workflows/ci.yml", '--sample', '--samples', "No such option"),
    ("workflows/ci.yml", "hadolint deploy/image/Dockerfile", "hadolint Dockerfile", "there is no such file"),
    ("workflows/ci.yml", "deploy/delivery/scan_image.sh", "deploy/delivery/scan.sh", "exit code 127"),
    ("workflows/ci.yml", 'smoke_image.sh "$SERVICE"', "smoke_image.sh scorebox_x:latest", "nothing builds scorebox_x"),
    ("workflows/cd.yml", "scorebox restore", "scorebox restored", "No such command"),
    ("workflows/cd.yml", "statefulset/card-default-server-canary", "statefulset/card-default-canary", "no overlay has"),
    ("workflows/cd.yml", "cronjob/card-default-compare-canary", "cronjob/card-default-compare", "no overlay has"),
    ("workflows/cd.yml", "manifests/canary/canary.yaml", "manifests/staging/canary.yaml", "a release writes no"),
    ("workflows/cd.yml", "--pod-running-timeout", "--running-timeout", "unknown flag"),
    ("workflows/cd.yml", "docker pull --quiet", "docker pull --silent", "docker pull has no --silent"),
    ("workflows/nightly.yml", "loadtests.chaos --kills", "loadtests.chaos --dead", "loadtests.chaos has no --dead"),
    ("workflows/nightly.yml", "scorebox freshness", "scorebox fresh", "No such command"),
    ("workflows/nightly.yml", "job: [drift, performance]", "job: [drift, realised]", "no overlay has"),
    ("actions/environment/action.yml", "sudo .ci/prepare", "sudo .ci/install", "there is no such file"),
    ("actions/cluster/action.yml", "deploy.delivery.manifests", "deploy.delivery.manifest", "there is no module"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("file", "old", "new", "said"), BROKEN, ids=[f"{old} -> {new}" for _, old, new, _ in BROKEN])
def test_a_command_that_does_not_exist_is_found(tmp_path: Path, file: str, old: str, new: str, said: str) -> None:
    folder = copy(tmp_path)
    change(folder, file, old, new)
    before = {(step.where, step.script, str(step.environment)) for step in unique(steps())}
    changed = [s for s in unique(steps(folder)) if (s.where, s.script, str(s.environment)) not in before]
    problems = []
    for number, step in enumerate(changed):
        (place := tmp_path / str(number)).mkdir()
        problems += list(against_commands(step, place))
    assert [problem for problem in problems if said in problem], problems


def unpinned(folder: Path) -> None:
    change(
        folder,
        "workflows/ci.yml",
        "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2",
        "actions/checkout@v6",
    )


def without_version(folder: Path) -> None:
    change(folder, "workflows/cd.yml", " # v6.0.2", "")


def without_time_limit(folder: Path) -> None:
    change(folder, "workflows/ci.yml", "    timeout-minutes: 30\n", "")


def without_guard(folder: Path) -> None:
    change(folder, "workflows/nightly.yml", "concurrency:\n  group: nightly\n  cancel-in-progress: false\n", "")


def all_rights(folder: Path) -> None:
    change(folder, "workflows/cd.yml", "permissions: {}", "permissions: write-all")


def expression_in_a_script(folder: Path) -> None:
    change(folder, "workflows/ci.yml", "run: make lint", "run: make ${{ github.head_ref }}")


def action_that_is_not_there(folder: Path) -> None:
    change(folder, "workflows/ci.yml", "./.github/actions/environment", "./.github/actions/python")


@pytest.mark.parametrize(
    "break_it",
    [
        unpinned, without_version, without_time_limit, without_guard, all_rights, expression_in_a_script,
        action_that_is_not_there,
    ],
    ids=lambda break_it: break_it.__name__,
)  # fmt: skip
def test_a_workflow_that_breaks_a_rule_is_found(tmp_path: Path, break_it: Callable[[Path], None]) -> None:
    folder = copy(tmp_path)
    break_it(folder)
    assert len(list(against_rules(folder))) > 0


@pytest.mark.parametrize(
    ("old", "new", "audit"),
    [
        (" # v6.0.2\n        with:\n          persist-credentials: false\n", " # v6.0.2\n", "artipacked"),
        ("run: make lint", "run: make ${{ github.head_ref }}", "template-injection"),
        ("permissions:\n      contents: read", "permissions: write-all", "excessive-permissions"),
        ("  pull_request:\n", "  pull_request_target:\n", "dangerous-triggers"),
        ("@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "@v6", "unpinned-uses"),
    ],
)
def test_zizmor_finds_what_is_wrong(tmp_path: Path, old: str, new: str, audit: str) -> None:
    folder = copy(tmp_path)
    change(folder, "workflows/ci.yml", old, new)
    assert audit in findings(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("workflows/ci.yml", "runs-on: ubuntu-24.04", "run-on: ubuntu-24.04"),
        ("workflows/nightly.yml", "  schedule:\n    - cron", "  schedule:\n    - cronn"),
        ("actions/environment/action.yml", "using: composite", "using: composit"),
        ("dependabot.yml", "interval: weekly", "interval: sometimes"),
    ],
)
def test_a_file_that_breaks_its_schema_is_found(tmp_path: Path, file: str, old: str, new: str) -> None:
    folder = copy(tmp_path)
    change(folder, file, old, new)
    assert len(against_schema(folder)) > 0


def test_every_secret_variable_and_environment_is_documented() -> None:
    text = "".join(path.read_text() for path in sorted((GITHUB / "workflows").glob("*.yml")))
    used = set(re.findall(r"\b(?:secrets|vars)\.([A-Z_]+)", text)) - {"GITHUB_TOKEN"}
    environments = set(re.findall(r"^    environment: ([a-z]+)", text, re.MULTILINE)) | {"production", "staging"}
    documented = DELIVERY.read_text()
    assert {"KUBECONFIG", "MLFLOW_TRACKING_URI", "NGINX_IMAGE"} <= used
    assert [name for name in sorted(used | environments) if f"`{name}" not in documented] == []


def test_the_dockerfile_holds_hadolint_s_rules_and_a_broken_one_does_not(tmp_path: Path) -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    dockerfile = PROJECT / "deploy" / "image" / "Dockerfile"
    done = subprocess.run([hadolint, dockerfile], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    broken = tmp_path / "Dockerfile"
    broken.write_text(dockerfile.read_text().replace("WORKDIR /app/bento", "WORKDIR bento"))
    done = subprocess.run([hadolint, broken], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "DL3000" in done.stdout
