"""Grafana's dashboards: the files are those that the code makes, and nothing in them is lost on Grafana's own model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.monitoring.grafana import generated
from tests.deploy.monitoring import DASHBOARDS, MONITORING, dashboard, dashboard_expressions, panels, read
from tests.deploy.programs import run

PROVISIONING = MONITORING / "grafana" / "provisioning"


def test_the_files_are_what_the_code_makes() -> None:
    made = generated()
    assert set(made) == set(DASHBOARDS)
    for path, content in made.items():
        assert path.read_text() == content, f"{path.name}: run python -m deploy.monitoring.grafana"


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_nothing_is_lost_between_the_file_and_grafana_s_model(path: Path) -> None:
    # A misspelled member would be.
    register_default_plugins()
    written = dashboard(path)
    assert json.loads(json.dumps(Dashboard.from_json(written), cls=JSONEncoder)) == written


def test_a_misspelled_member_would_be_found() -> None:
    register_default_plugins()
    written: dict[str, Any] = dashboard(DASHBOARDS[0]) | {"refrehs": "1m"}
    assert json.loads(json.dumps(Dashboard.from_json(written), cls=JSONEncoder)) != written


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_panel_has_a_title_a_description_and_a_query_to_a_source_that_is_provisioned(path: Path) -> None:
    sources = {
        (source["type"], source["uid"])
        for source in read(PROVISIONING / "datasources" / "datasources.yml")["datasources"]
    }
    shown = list(panels(path))
    assert shown
    for panel in shown:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert (panel["datasource"]["type"], panel["datasource"]["uid"]) in sources
        assert all(target["expr"] and target["datasource"] == panel["datasource"] for target in panel["targets"])


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_of_one_dashboard_do_not_overlap_and_fill_its_width(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard(path)["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert all(x < 24 for x, _ in cells), panel["title"]
        taken |= cells


def test_prometheus_can_read_every_query(tmp_path: Path) -> None:
    recorded = [{"record": f"query_{number}", "expr": made.text} for number, made in enumerate(dashboard_expressions())]
    written = tmp_path / "queries.yml"
    written.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": recorded}]}))
    assert f"{len(recorded)} rules found" in run("promtool", "check", "rules", written)


def test_grafana_reads_the_folder_where_the_dashboards_are_mounted() -> None:
    (provider,) = read(PROVISIONING / "dashboards" / "dashboards.yml")["providers"]
    mounted = provider["options"]["path"]
    assert f"| `grafana/dashboards/` | `{mounted}/` |" in (MONITORING / "README.md").read_text()
