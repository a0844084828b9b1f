"""Metrics: right numbers, fixed names, and no more series than there are routes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot
from prometheus_client.parser import text_string_to_metric_families

from scoring.journal.shipped import Shipped
from scoring.journal.writer import Journal
from scoring.moment import now_to_the_millisecond
from serving.loop_lag import EVERY, LoopLag
from serving.metric_series import PD_EDGES
from serving.metrics import SHADOW_RESULTS
from serving.routes import ROUTES
from tests.serving.conftest import Service, startup_config
from tests.serving.toy import SCORECARD

pytestmark = pytest.mark.anyio


async def exposed(service: Service) -> dict[str, float]:
    """Every sample of the service's own metrics, by name and labels."""
    response = await service.client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    samples = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            if sample.name.startswith("scorebox_") and not sample.name.endswith("_created"):
                samples[f"{sample.name}{{{labels}}}"] = sample.value
    return samples


def growth(before: dict[str, float], after: dict[str, float], name: str) -> dict[str, float]:
    return {
        key.removeprefix(name): value - before.get(key, 0.0)
        for key, value in after.items()
        if key.startswith(name + "{") and value != before.get(key, 0.0)
    }


async def test_requests_and_decisions_are_counted(service: Service, example: dict[str, Any]) -> None:
    before = await exposed(service)
    approved = example | {"PAY_2": -2, "PAY_6": -2, "PAY_0": -2, "LIMIT_BAL": 1_000_000}
    await service.client.post("/predict", json=example)
    await service.client.post("/predict_batch", json={"applications": [example, approved, example | {"AGE": 5}]})
    await service.client.post("/predict", json=example | {"PAY_0": 99})
    await service.client.get("/predict")
    after = await exposed(service)
    assert growth(before, after, "scorebox_http_requests_total") == snapshot(
        {
            "{method=POST,route=/predict,status=200}": 1.0,
            "{method=GET,route=/predict,status=405}": 1.0,
            "{method=POST,route=/predict,status=422}": 1.0,
            "{method=GET,route=/metrics,status=200}": 1.0,
            "{method=POST,route=/predict_batch,status=200}": 1.0,
        }
    )
    assert growth(before, after, "scorebox_predictions_total") == snapshot(
        {
            "{decision=decline,role=champion,scorecard=card_default,variant=fp32}": 2.0,
            "{decision=approve,role=champion,scorecard=card_default,variant=fp32}": 1.0,
        }
    )
    assert growth(before, after, "scorebox_broken_rules_total") == snapshot(
        {"{rule=greater_than_equal}": 1.0, "{rule=less_than_equal}": 1.0}
    )
    assert growth(before, after, "scorebox_batch_rows_count") == {"{}": 2}
    assert growth(before, after, "scorebox_batch_rows_sum") == {"{}": 3}
    assert growth(before, after, "scorebox_queue_wait_seconds_count") == {"{}": 2}
    assert growth(before, after, "scorebox_http_request_duration_seconds_count")["{route=/predict}"] == 3
    assert after["scorebox_http_requests_in_progress{}"] == 1
    assert after["scorebox_queue_oldest_age_seconds{}"] == 0


async def test_decisions_are_counted_by_the_bin_that_their_pd_is_in(service: Service, example: dict[str, Any]) -> None:
    before = await exposed(service)
    approved = example | {"PAY_2": -2, "PAY_6": -2, "PAY_0": -2, "LIMIT_BAL": 1_000_000}
    answer = await service.client.post("/predict_batch", json={"applications": [example, approved, example]})
    after = await exposed(service)
    edges = (*PD_EDGES, 1.0)
    below = [next(edge for edge in edges if row["pd"] < edge) for row in answer.json()["decisions"]]
    assert len(set(below)) == 2
    labels = "role=champion,scorecard=card_default"
    name = "scorebox_decisions_by_pd_total"
    assert growth(before, after, name) == {
        f"{{below={edge:g},{labels}}}": below.count(edge) for edge in edges if edge in below
    }
    # Bins without a decision are there too, or their first one would be no increase.
    assert len([key for key in after if key.startswith(name) and labels in key]) == len(edges)


async def test_the_loop_s_lag_is_measured_while_something_holds_it() -> None:
    seen: list[float] = []
    enough = asyncio.Event()

    def observe(seconds: float) -> None:
        seen.append(seconds)
        enough.set()

    LoopLag(observe).start()
    await asyncio.sleep(0)
    time.sleep(3 * EVERY)  # noqa: ASYNC251  # holding the loop up is the point
    await enough.wait()
    # It was due after EVERY and could not come before the sleep had ended.
    assert seen[0] >= 1.9 * EVERY
    enough.clear()
    await enough.wait()
    assert len(seen) > 1


async def test_a_request_that_waited_too_long_is_counted_as_shed(
    make_service: Callable[..., Service], example: dict[str, Any]
) -> None:
    service = make_service(max_wait=1e-9)
    before = await exposed(service)
    await service.client.post("/predict", json=example)
    assert growth(before, await exposed(service), "scorebox_requests_shed_total") == {"{}": 1}


async def test_the_model_that_serves_is_named(service: Service) -> None:
    samples = await exposed(service)
    sha = service.core.model_info.graph_sha256[:12]
    labels = (
        f"data=sample,graph_sha256={sha},model=card_default:1.0.0-fp32,role=champion,"
        f"scorecard={SCORECARD.name},variant=fp32"
    )
    assert samples[f"scorebox_model_info{{{labels}}}"] == 1


async def test_unknown_paths_and_methods_mint_no_series(service: Service) -> None:
    for path in ("/first", "/second"):
        await service.client.get(path)
        await service.client.request("BREW", path)
    before = await exposed(service)
    for index in range(50):
        await service.client.get(f"/applicants/{index}")
        await service.client.get(f"/docs/{index}")
        await service.client.request(f"M{index}", f"/{index}")
        await service.client.request(f"M{index}", "/predict")
    after = await exposed(service)
    new = set(after) - set(before)
    assert all("method=other,route=/predict" in key for key in new)
    assert len(new) < 25


async def test_the_journal_and_how_far_it_is_copied_are_numbers_from_the_first_moment(
    make_service: Callable[..., Service], tmp_path: Path, example: dict[str, Any]
) -> None:
    names = ("last_sequence", "shipped_sequence", "ship_lag_seconds", "ship_expected")

    async def shown(service: Service) -> list[float]:
        samples = await exposed(service)
        return [samples[f"scorebox_journal_{name}{{}}"] for name in names]

    assert await shown(make_service()) == [0, 0, 0, 0]
    journal = Journal(tmp_path / "journal")
    service = make_service(startup_config(journal=journal))
    service.core.open()
    assert await shown(service) == [0, 0, 0, 0]
    batch = {"applications": [example] * 3}
    await service.client.post("/predict_batch", json=batch)
    *position, late, expected = await shown(service)
    assert (position, expected) == ([3, 0], 0)
    assert late > 0
    # A shipper that has not reached its database yet.
    Shipped.begin(journal.folder)
    *position, lag, expected = await shown(service)
    assert (position, expected) == ([3, 0], 1)
    assert lag > late
    Shipped(decisions=2, challenges=0, shipped_at=now_to_the_millisecond()).write(journal.folder)
    Shipped.begin(journal.folder)
    *position, late, _ = await shown(service)
    assert position == [3, 2]
    (journal.folder / "shipped.json").write_text("{]")
    *position, lag, expected = await shown(service)
    assert (position, expected) == ([3, 2], 1)
    assert lag > late
    Shipped(decisions=3, challenges=0, shipped_at=now_to_the_millisecond()).write(journal.folder)
    assert await shown(service) == [3, 3, 0, 1]
    journal.close()


async def test_a_copy_that_is_expected_is_so_before_any_shipper_was_started(
    make_service: Callable[..., Service], tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "journal")
    service = make_service(startup_config(journal=journal, journal_shipped=True))
    service.core.open()
    assert (await exposed(service))["scorebox_journal_ship_expected{}"] == 1
    journal.close()


async def test_faults_count_from_0_wherever_an_alert_reads_them(service: Service) -> None:
    samples = await exposed(service)
    for path, method, status in (("/predict", "POST", 503), ("/predict_batch", "POST", 504), ("/metrics", "GET", 500)):
        assert f"scorebox_http_requests_total{{method={method},route={path},status={status}}}" in samples
    for route in ROUTES:
        for method in route.methods:
            assert f"scorebox_http_requests_total{{method={method},route={route.path},status=500}}" in samples
    for name in ("requests_shed", "journal_failures", "history_failures", "log_lines_dropped"):
        assert f"scorebox_{name}_total{{}}" in samples
    for result in SHADOW_RESULTS:
        assert f"scorebox_challenges_total{{outcome={result}}}" in samples
    for decision in ("approve", "decline"):
        labels = f"decision={decision},role=champion,scorecard=card_default,variant=fp32"
        assert f"scorebox_predictions_total{{{labels}}}" in samples
