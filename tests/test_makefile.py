"""`make serve` trains again when, and only when, what makes the model has changed."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.conftest import PROJECT


def model_code(scorecard: str) -> set[Path]:
    """Return the files whose change makes `make serve` train a scorecard again."""
    command = ["make", "--silent", f"SCORECARD={scorecard}", "--eval", "show: ; @echo $(MODEL_CODE)", "show"]
    shown = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    return {Path(name) for name in shown.split()}


def test_families_features_and_queries_make_the_model() -> None:
    code = model_code("home_credit")
    for folder, pattern in {"training/families": "*.py", "training/graph": "*.py", "training/tables": "*.sql"}.items():
        wanted = {path.relative_to(PROJECT) for path in (PROJECT / folder).rglob(pattern)}
        assert wanted
        assert wanted <= code
    assert {Path("scoring/features.py"), Path("scoring/scorecards/home_credit.py")} <= code


def test_neither_the_service_nor_other_scorecards_nor_byte_code_make_it() -> None:
    code = model_code("card_default")
    assert Path("scoring/scorecards/german_credit.py") not in code
    assert Path("scoring/scorer.py") not in code
    assert {path.parts[0] for path in code} == {"scoring", "training"}
    assert not [path for path in code if path.suffix == ".pyc"]


def test_clean_leaves_every_journal(tmp_path: Path) -> None:
    clean = ["make", "--silent", "--file", str(PROJECT / "Makefile"), "clean"]
    inside = tmp_path / ".bentoml" / "bentos" / "a bento" / "src" / "journal" / "card_default"
    for folder in (tmp_path / "journal" / "card_default", inside, tmp_path / "artifacts"):
        folder.mkdir(parents=True)
    kept = [folder / "segment-000001.sqlite" for folder in (inside, tmp_path / "journal" / "card_default")]
    for segment in kept:
        segment.write_text("decisions")
    refused = subprocess.run(clean, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert f"a journal is in {inside.relative_to(tmp_path)}: move it to another folder first" in refused.stderr
    assert all(segment.exists() for segment in kept)
    assert (tmp_path / "artifacts").exists()
    inside.rename(tmp_path / "journal" / "moved")
    subprocess.run(clean, cwd=tmp_path, check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal"]
    assert sorted(path.name for path in (tmp_path / "journal").iterdir()) == ["card_default", "moved"]
