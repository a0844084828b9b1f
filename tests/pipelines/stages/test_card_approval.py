"""card_approval through the stages that make its rows, from both forms of its raw tables."""

from __future__ import annotations

import copy
import json
import sys
from typing import Any

import pandas as pd
import pytest
import yaml

from pipelines import cli
from scoring.scorecards import load
from tests.conftest import SMALL_PARAMS, Project, real_data
from tests.markdown import unpadded

CARD = load("card_approval")
SOURCE = "SCOREBOX_SOURCE_CARD_APPROVAL"


class Stages:
    """Runs commands in the project's folder, in this process."""

    def __init__(self, project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        params: dict[str, Any] = copy.deepcopy(SMALL_PARAMS)
        own = copy.deepcopy(params["scorecards"]["card_default"])
        # On labels that say nothing, isotonic regression alone would give everybody one PD.
        own["calibration"] = "auto"
        own["candidates"] = {"logistic": {"family": "logistic", "features": "published", "parameters": {"C": 0.1}}}
        params["scorecards"]["card_approval"] = own | {"sample_rows": 20_000}
        (project.folder / "params.yaml").write_text(yaml.safe_dump(params))
        monkeypatch.chdir(project.folder)
        monkeypatch.delenv(SOURCE, raising=False)
        monkeypatch.setenv("COLUMNS", "200")
        self.folder = project.folder / "artifacts" / "full" / "card_approval"
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, stage: str, *arguments: str) -> tuple[int, str]:
        """The exit code, and what was printed, on one line."""
        self._monkeypatch.setattr(sys, "argv", ["scorebox", stage, "card_approval", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else 1
        printed = self._capsys.readouterr()
        return code, " ".join((printed.out + printed.err).split())

    def rows(self) -> pd.DataFrame:
        return pd.read_parquet(self.folder / "applications.parquet")


@pytest.fixture
def stages(project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Stages:
    return Stages(project, monkeypatch, capsys)


def test_sample_tables_become_rows_and_the_split_keeps_applicants_together(stages: Stages) -> None:
    for stage in ("ingest", "validate", "features", "split"):
        assert stages(stage)[0] == 0, stage
    lineage = json.loads((stages.folder / "lineage.json").read_text())
    assert lineage["columns"]["TARGET"] == {"sql": "credit_record.sql", "tables": ["credit_record"]}
    assert len(stages.rows()) == round(20_000 * 36_457 / 438_557)
    train, test = (pd.read_parquet(stages.folder / f"{part}.parquet") for part in ("train", "test"))
    fields = list(CARD.columns)
    sides = pd.concat([train[fields].drop_duplicates(), test[fields].drop_duplicates()])
    assert not sides.duplicated().any()


def test_raw_tables_of_no_form_are_named(stages: Stages) -> None:
    stages("ingest")
    (stages.folder / "raw" / "credit_record.parquet").unlink()
    code, printed = stages("validate")
    assert code == 1
    assert "holds application_record; card_approval is made from application_record, credit_record; or" in printed


def test_a_sentinel_out_of_place_stops_with_a_table(stages: Stages) -> None:
    stages("ingest")
    path = stages.folder / "raw" / "application_record.parquet"
    table = pd.read_parquet(path)
    worker = int(table.index[table["NAME_INCOME_TYPE"] == "Working"][0])
    table.loc[worker, "DAYS_EMPLOYED"] = 365_243
    table.to_parquet(path, index=False)
    code, printed = stages("validate")
    assert code == 1
    assert "365243 only where NAME_INCOME_TYPE is Pensioner" in printed


@pytest.mark.slow
def test_leakage_is_written_with_its_intervals(stages: Stages) -> None:
    for stage in ("ingest", "validate", "features"):
        stages(stage)
    code, printed = stages("leakage")
    assert code == 0
    assert "identical applicants together: AUC catboost" in printed
    text = unpadded((stages.folder / "leakage.md").read_text())
    assert text.startswith("# card_approval (SAMPLE DATA): what a careless split would report")
    assert text.count("| identical applicants together |") == 1


@pytest.mark.slow
@pytest.mark.skipif(real_data("card_approval") is None, reason="the published card_approval data are not here")
def test_on_the_real_label_the_report_says_no_better_than_chance_and_verify_fails(stages: Stages) -> None:
    assert stages("ingest", "--source", str(real_data("card_approval")))[0] == 0
    told = {}
    for stage in ("validate", "features", "split", "train", "export", "quantize", "explain", "benchmark", "report"):
        code, told[stage] = stages(stage)
        assert code == 0, told[stage]
    # Incomes next to shares below one.
    assert "no INT8 graph: in eight bits the winner's decisions would have no reasons" in told["quantize"]
    assert "there is no INT8 variant" in (stages.folder / "benchmark.md").read_text()
    assert len(stages.rows()) == 26_788
    assert stages.rows()["OCCUPATION_TYPE"].isna().sum() == 8_353
    assert "**No better than chance:**" in (stages.folder / "report" / "report.md").read_text()
    code, printed = stages("verify")
    assert code == 1
    assert "auc" in printed
