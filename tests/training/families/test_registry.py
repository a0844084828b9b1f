from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from scoring.graph import Graph
from tests.conftest import PROJECT
from tests.training.models import FEATURES, PARAMETERS, fitted
from training.families import gradient_boosting
from training.families.registry import FAMILIES
from training.graph.quantize import quantized

PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
ADDED = """
import numpy as np
from dataclasses import replace
from training.families.logistic import FAMILY as LOGISTIC
FAMILY = replace(LOGISTIC, name="added")
"""


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=~; ]", requirement, maxsplit=1)[0]


@pytest.mark.slow
def test_a_family_is_found_by_its_file_alone(tmp_path: Path) -> None:
    (tmp_path / "added.py").write_text(ADDED)
    program = (
        "import sys; from training import families; families.__path__.append(sys.argv[1]); "
        "from training.families.registry import FAMILIES; "
        "print('added' in FAMILIES, 'family' in FAMILIES, FAMILIES['added'].name)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert printed.stdout.split() == ["True", "False", "added"]


@pytest.mark.slow
def test_asking_for_one_family_imports_no_library_of_another() -> None:
    program = (
        "import sys; from training.families.registry import FAMILIES; FAMILIES['forest']; "
        "print(*sorted({'torch', 'lightgbm', 'catboost', 'skl2onnx'} & set(sys.modules)))"
    )
    printed = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert printed.stdout.split() == []


def test_every_family_has_the_name_of_its_file_and_is_tested() -> None:
    assert [FAMILIES[name].name for name in FAMILIES] == list(FAMILIES)
    assert sorted(FEATURES) == sorted(FAMILIES)


@pytest.mark.parametrize("name", sorted(FEATURES))
@pytest.mark.slow
def test_a_family_has_the_int8_variant_that_it_declares(name: str) -> None:
    model = fitted(name)
    assert (quantized(model.graph(), model.inputs[:256]) is not None) == FAMILIES[name].has_int8


@pytest.mark.parametrize("name", sorted(FEATURES))
def test_what_watches_may_not_import_the_libraries_of_a_family(name: str) -> None:
    """But for those that it needs itself; a module of its own name is the one of a distribution that is imported."""
    extras = PYPROJECT["project"]["optional-dependencies"]
    watch, train = ({name_of(item) for item in extras[extra]} for extra in ("watch", "train"))
    assert set(FAMILIES[name].libraries) <= watch | train
    (contract,) = [item for item in PYPROJECT["tool"]["importlinter"]["contracts"] if "watches" in item["name"]]
    assert set(FAMILIES[name].libraries) - watch <= set(contract["forbidden_modules"])


def test_gradient_boosting_gives_scikit_learns_log_odds_and_at_a_threshold_the_graph_goes_its_way() -> None:
    model = fitted("gradient_boosting")
    own = GradientBoostingClassifier(**PARAMETERS["gradient_boosting"], random_state=5).fit(
        model.features, model.labels
    )
    assert model.model.log_odds(model.features) == pytest.approx(own.decision_function(model.features), abs=1e-6)
    assert isinstance(model.model, gradient_boosting.GradientBoosting)
    thresholds = np.concatenate([stage.tree_.threshold for (stage,) in own.estimators_])
    inner = model.model.left > 0
    kept = model.model.threshold[inner].astype(np.float64)
    above = np.nextafter(model.model.threshold[inner], np.float32(np.inf)).astype(np.float64)
    assert (kept <= thresholds[inner]).all()
    assert (above > thresholds[inner]).all()
    assert Graph(model.graph()).columns
