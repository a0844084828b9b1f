"""Traffic keeps to the contract of each scorecard, or breaks it where it should."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from loadtests.traffic import (
    Bodies,
    TrafficError,
    arrow_body,
    bad_bodies,
    batch_body,
    read_applications,
    sample_applications,
)
from scoring.frames import Frame
from scoring.scorecard import Scorecard


def test_sample_applications_are_valid_and_differ(scorecard: Scorecard) -> None:
    applications = sample_applications(scorecard, 200)
    for application in applications:
        scorecard.application.model_validate_json(json.dumps(application))
        assert scorecard.target not in application
        assert (scorecard.key in application) == bool(scorecard.history)
    assert len({json.dumps(application) for application in applications}) > 190


def test_a_seed_gives_the_same_applications(scorecard: Scorecard) -> None:
    assert sample_applications(scorecard, 20, seed=3) == sample_applications(scorecard, 20, seed=3)
    assert sample_applications(scorecard, 20, seed=3) != sample_applications(scorecard, 20, seed=4)


def test_every_bad_body_breaks_a_rule(scorecard: Scorecard) -> None:
    bodies = bad_bodies(scorecard, sample_applications(scorecard, 1)[0])
    rules = {}
    for reason, body in bodies.items():
        with pytest.raises(ValidationError) as caught:
            scorecard.application.model_validate_json(body)
        rules[reason] = caught.value.errors()[0]["type"]
    assert rules["unknown field"] == "extra_forbidden"
    assert rules["missing field"] == "missing"
    assert rules["above the maximum"] == "less_than_equal"
    assert rules["below the minimum"] == "greater_than_equal"
    texts = any(rule.kind == "text" and rule.required for rule in scorecard.rules)
    assert rules.get("unknown choice") == ("literal_error" if texts else None)
    assert len(bodies) == 7 + texts


def test_bodies_cover_every_application(scorecard: Scorecard) -> None:
    applications = sample_applications(scorecard, 10)
    bodies = Bodies.of(scorecard, applications, rows=4)
    assert [json.loads(body) for body in bodies.single] == applications
    batches = [json.loads(body)["applications"] for body in bodies.batches]
    assert [len(batch) for batch in batches] == [4, 4, 4]
    assert batches[0] + batches[1] + batches[2][:2] == applications
    assert batches[2][2:] == applications[:2]


def test_a_batch_may_be_larger_than_the_supply(scorecard: Scorecard) -> None:
    applications = sample_applications(scorecard, 3)
    batch = json.loads(batch_body(applications, 7, start=2))["applications"]
    assert batch == [applications[place % 3] for place in range(2, 9)]


def test_an_arrow_body_holds_the_same_values(scorecard: Scorecard) -> None:
    applications = sample_applications(scorecard, 5)
    table = pa.ipc.open_stream(io.BytesIO(arrow_body(scorecard, applications, 12))).read_all()
    required = [rule for rule in scorecard.rules if rule.required]
    # As a graph orders them.
    columns = [rule.column for rule in sorted(required, key=lambda rule: rule.kind == "text")]
    frame = Frame(scorecard, columns)
    read = frame.read_table(table)
    inputs = read.inputs
    assert read.errors == []
    assert read.positions.tolist() == list(range(12))
    models = [scorecard.application.model_validate(application) for application in applications]
    assert (inputs.numeric[:5] == frame.inputs(models).numeric).all()
    assert (inputs.numeric[5:10] == inputs.numeric[:5]).all()


def table_of(scorecard: Scorecard, rows: int) -> dict[str, list[Any]]:
    applications = sample_applications(scorecard, rows)
    columns: dict[str, list[Any]] = {
        rule.column: [one.get(rule.column) for one in applications] for rule in scorecard.rules
    }
    return columns | {scorecard.target: [0] * rows}


def test_applications_come_from_a_parquet_file(scorecard: Scorecard, tmp_path: Path) -> None:
    path = tmp_path / "test.parquet"
    pq.write_table(pa.table(table_of(scorecard, 50)), path)
    drawn = read_applications(scorecard, path, 20, seed=1)
    known = [json.dumps(one) for one in sample_applications(scorecard, 50)]
    assert len({known.index(json.dumps(one)) for one in drawn}) == 20
    assert len(read_applications(scorecard, path, 1_000)) == 50


def test_applications_come_from_a_json_file(scorecard: Scorecard, tmp_path: Path) -> None:
    path = tmp_path / "applications.json"
    records = sample_applications(scorecard, 4)
    path.write_text(json.dumps(records))
    drawn = read_applications(scorecard, path, 10)
    assert sorted(map(json.dumps, drawn)) == sorted(map(json.dumps, records))


def test_missing_optional_values_are_left_out(scorecard: Scorecard, tmp_path: Path) -> None:
    optional = [rule.column for rule in scorecard.rules if not rule.required]
    if not optional:
        pytest.skip("no optional fields")
    record = {**sample_applications(scorecard, 1)[0], optional[0]: None, optional[-1]: math.nan}
    path = tmp_path / "applications.json"
    path.write_text(json.dumps([record]))
    (drawn,) = read_applications(scorecard, path, 1)
    assert optional[0] not in drawn
    assert optional[-1] not in drawn


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("none.json", None, "there is no file"),
        ("applications.csv", "a,b\n", "from a .parquet or a .json file"),
        ("applications.json", "[", "cannot be read"),
        ("applications.json", "{}", "does not hold a list"),
        ("applications.json", "[1]", "does not hold a list"),
        ("applications.json", "[]", "holds no applications"),
        ("applications.json", "[{}]", "application 0, .*: Field required"),
        ("applications.parquet", "no", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    scorecard: Scorecard, tmp_path: Path, name: str, content: str | None, complaint: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(TrafficError, match=complaint):
        read_applications(scorecard, path, 10)
