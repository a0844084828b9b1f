"""Loki and the shipper: few labels, ids where they can be found, and only fields that the server writes."""

from __future__ import annotations

import io
import re

import jmespath
import orjson

from serving.access_log import AccessLog
from serving.log_writer import LogWriter
from tests.deploy.monitoring import MONITORING, RUNBOOK, read
from tests.waiting import LONGEST_WAIT

SHIPPER = (MONITORING / "loki" / "config.alloy").read_text()
LOKI = read(MONITORING / "loki" / "loki.yml")
LABELS = {"service", "level", "route"}
IDS = {"request_id", "decision_id", "trace_id"}
# As Docker's json-file driver writes a line under the option labels=com.docker.compose.service.
DOCKER_LINE = {
    "log": '{"level":"INFO"}\n',
    "stream": "stdout",
    "attrs": {"com.docker.compose.service": "scorebox"},
    "time": "2026-11-26T12:00:00.123456789Z",
}


def stages(kind: str, member: str) -> list[dict[str, str]]:
    """The names and values that each stage of this kind is given."""
    blocks = re.findall(rf"stage\.{kind} \{{\s*{member}\s*=\s*\{{(.*?)\}}\s*\}}", SHIPPER, re.DOTALL)
    return [{name: value[1:-1] for name, value in re.findall(r"(\w+)\s*=\s*(\S+?),", block)} for block in blocks]


def written() -> set[str]:
    """The fields of a line of the access log."""
    stream = io.BytesIO()

    writer = LogWriter(stream.write, lambda count: None)
    names = {"request_id": "r", "trace_id": "t", "decision_id": "d"}
    AccessLog(writer).write(method="POST", route="/predict", status=200, seconds=0.001, rows=1, **names)
    assert writer.flush(LONGEST_WAIT)
    writer.close()
    return set(orjson.loads(stream.getvalue()))


def test_labels_have_few_values_and_ids_are_none() -> None:
    labels = [name for stage in stages("labels", "values") for name in stage]
    assert set(labels) == LABELS
    (metadata,) = stages("structured_metadata", "values")
    assert set(metadata) == IDS


def test_what_is_taken_from_a_line_is_in_it() -> None:
    of_docker, of_ours = stages("json", "expressions")
    found = {name: jmespath.search(expression, DOCKER_LINE) for name, expression in of_docker.items()}
    assert found == {
        "line": DOCKER_LINE["log"],
        "written": DOCKER_LINE["time"],
        "compose_service": "scorebox",
    }
    assert set(of_ours) == (LABELS - {"service"}) | IDS
    assert set(of_ours) <= written()


def test_components_of_the_shipper_lead_to_one_another() -> None:
    defined = set(re.findall(r'^([\w.]+) "(\w+)" \{$', SHIPPER, re.MULTILINE))
    led_to = re.findall(r"= \[?([\w.]+)\.(\w+)\.(?:receiver|targets)\]?", SHIPPER)
    assert len(led_to) == 3
    assert set(led_to) < defined
    assert SHIPPER.count("{") == SHIPPER.count("}")


def test_loki_takes_structured_metadata_and_forgets_lines_after_a_while() -> None:
    limits = LOKI["limits_config"]
    assert limits["allow_structured_metadata"]
    assert LOKI["schema_config"]["configs"][-1]["schema"] == "v13"
    assert LOKI["compactor"]["retention_enabled"]
    assert limits["retention_period"] == "720h"
    address = f"http://loki:{LOKI['server']['http_listen_port']}"
    assert f'url = "{address}/loki/api/v1/push"' in SHIPPER
    sources = read(MONITORING / "grafana" / "provisioning" / "datasources" / "datasources.yml")["datasources"]
    assert address in [source["url"] for source in sources]


def test_queries_for_lines_go_by_labels_ids_and_fields_that_there_are() -> None:
    queries = re.findall(r"```logql\n(.*?)\n```", RUNBOOK.read_text(), re.DOTALL)
    assert len(queries) >= 4
    for query in queries:
        selector, rest = re.fullmatch(r"\{(.*?)\}(.*)", query).groups()  # type: ignore[union-attr]  # or the test fails
        assert set(re.findall(r"(\w+)=", selector)) <= LABELS
        named = set(re.findall(r"\| (\w+) ?[=><]", rest))
        assert named <= (written() if "| json" in rest else IDS)
    assert any("request_id=" in query for query in queries)
    assert any("decision_id=" in query for query in queries)
