"""The code that each stage of dvc.yaml depends on, by the imports of its command.

`python -m tests.stage_dependencies` writes it into dvc.yaml; tests/test_dvc.py fails where it is not what stands there.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import grimp
from ruamel.yaml import YAML

from pipelines.cli import app
from pipelines.cli.lazy import LazyCommand

PROJECT = Path(__file__).parent.parent
DVC = PROJECT / "dvc.yaml"
ROOTS = ("scoring", "training", "pipelines")
COMMANDS = "pipelines.cli"
"""Left out: a command reads arguments and prints."""
DESCRIPTIONS = ("pipelines.artifacts", "pipelines.params")
"""They describe the files of all stages. Their imports are left out: what one of these changes is in a file, which is
a dependency, or in a module that the stage imports as well."""
FOUND_BY_NAME = {"scoring.scorecards": "scoring.scorecards", "training.families.registry": "training.families"}
"""Modules that import the modules of a package by their names, which the graph of imports does not show."""
FILES = {"training.tables.build": "training/tables", "training.evaluation.card": "training/evaluation/templates"}
"""Modules that read files of the project, and the folder of these."""
MADE = ("artifacts/", "data/")
"""Where dependencies begin that are no code."""


@cache
def _graph() -> grimp.ImportGraph:
    graph = grimp.build_graph(*ROOTS, exclude_type_checking_imports=True, cache_dir=None)
    for module in DESCRIPTIONS:
        for imported in graph.find_modules_directly_imported_by(module):
            graph.remove_import(importer=module, imported=imported)
            if module == "pipelines.params":
                # It writes the defaults that stand there.
                graph.add_import(importer="pipelines.stages.parameters", imported=imported)
    return graph


def code_dependencies(stage: str) -> list[str]:
    """Return the files and folders that the stage's command is made of, `${key}` for the scorecard's name.

    A package of `training`, half of whose modules or more are among them, stands as its folder.
    """
    command = app.commands[stage]
    assert isinstance(command, LazyCommand)
    needed = {module for module in _imported(command.module) if not module.startswith(COMMANDS)}
    inside = Counter(module.rpartition(".")[0] for module in needed)
    folders = {FILES[module] for module in needed & FILES.keys()} | {"scoring/scorecards/parts"}
    for package, count in inside.items():
        if package.startswith("training.") and 2 * count >= len(_graph().find_children(package)):
            folders.add(package.replace(".", "/"))
    files = {_file(module) for module in needed if not module.startswith("scoring.scorecards.")}
    paths = {"scoring/scorecards/${key}.py"} | folders | files
    return sorted(path for path in paths if not any(path.startswith(f"{folder}/") for folder in folders))


def _imported(module: str) -> set[str]:
    """Return the modules that a module imports, directly or not."""
    graph = _graph()
    found = graph.find_upstream_modules(module)
    for finder, package in FOUND_BY_NAME.items():
        if finder in found:
            for child in graph.find_descendants(package):
                found |= graph.find_upstream_modules(child, as_package=False) | {child}
    return set(found)


def _file(module: str) -> str:
    path = module.replace(".", "/")
    return f"{path}/__init__.py" if (PROJECT / path).is_dir() else f"{path}.py"


def rewrite(document: Any) -> None:
    """Put the code that each stage depends on in place of what the document says."""
    for stage, entry in document["stages"].items():
        deps = entry["do"]["deps"]
        made = [path for path in deps if path.startswith(MADE)]
        deps[:] = [*made, *code_dependencies(stage)]


if __name__ == "__main__":
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 120
    content = yaml.load(DVC)
    rewrite(content)
    yaml.dump(content, DVC)
