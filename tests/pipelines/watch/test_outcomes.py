"""`scorebox outcomes`: files of outcomes, with everything that may be wrong in them."""

from __future__ import annotations

import csv
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from inline_snapshot import snapshot

from scoring.outcomes.store import Outcomes
from tests.conftest import Project
from tests.pipelines.conftest import Run
from tests.pipelines.realised import CARD, draw_pds, journal_of, write_csv

JOURNAL = Path("journal") / CARD.name


@pytest.fixture
def names(project: Project, scorebox: Run) -> list[str]:
    """Ids of decisions in the project's journal."""
    return journal_of(JOURNAL, draw_pds(6))


def rejected(path: str = "rejects.csv") -> list[dict[str, str]]:
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def take(scorebox: Run, *arguments: str) -> tuple[int, str]:
    return scorebox("outcomes", "import", CARD.name, *arguments)


def test_a_file_of_good_outcomes_is_recorded_and_a_second_time_repeated(names: list[str], scorebox: Run) -> None:
    write_csv(Path("outcomes.csv"), names, [0, 1, 0, 1, 0, 0])
    code, printed = take(scorebox, "outcomes.csv")
    assert code == 0
    assert "recorded │ 6" in printed
    assert "warning" not in printed
    assert "broken" not in printed
    code, printed = take(scorebox, "outcomes.csv", "--rejects", "rejects.csv")
    assert code == 0
    assert "repeated │ 6" in printed
    assert rejected() == []
    assert Outcomes(JOURNAL).labels() == dict(zip(names, [0, 1, 0, 1, 0, 0], strict=True))


def test_bad_rows_are_named_with_the_reason_and_the_others_recorded(names: list[str], scorebox: Run) -> None:
    rows = [
        "observed_on,amount,decision_id,defaulted",
        f"2026-09-30,1,{names[0]},1",
        f"2026-09-30,1,{names[1]},yes",
        f"yesterday,1,{names[1]},1",
        f"20260930.0,1,{names[1]},1",
        f"2026-09-30,1,{names[1]}",
        f"2026-09-30,1,{names[1]},2",
        "2026-09-30,1,,1",
        f",1,{names[1]},1",
        "2026-09-30,1,nobody,1",
        f"2026-09-30,1,{names[0]},0",
        f"2020-09-30,1,{names[2]},0",
        f"2026-09-30,1, {names[3]} ,0",
    ]
    Path("outcomes.csv").write_text("\n".join([*rows, ""]))
    code, printed = take(scorebox, "outcomes.csv", "--rejects", "rejects.csv")
    assert code == 0
    assert "warning 10 rows were not recorded: rejects.csv" in printed
    assert [(row["row"], row["result"], row["why"]) for row in rejected()] == snapshot(
        [
            (
                "1",
                "broken",
                "defaulted: Input should be a valid integer, unable to parse string as an integer",
            ),
            ("2", "broken", "observed_on: Input should be a date such as 2026-10-01"),
            ("3", "broken", "observed_on: Input should be a date such as 2026-10-01"),
            ("4", "broken", "(row): Row should have 4 cells, has 3"),
            ("5", "broken", "defaulted: Input should be less than or equal to 1"),
            ("6", "broken", "decision_id: Field required"),
            ("7", "broken", "observed_on: Field required"),
            ("8", "unknown", "the journal has no such decision; it is kept until the decision appears"),
            ("9", "conflicting", "another label of this decision is recorded, and stays in force"),
            ("10", "early", "it was observed more than a day before the decision was made"),
        ]
    )
    assert Outcomes(JOURNAL).labels() == {names[0]: 1, names[3]: 0}


def test_a_parquet_file_and_one_date_for_all(names: list[str], scorebox: Run) -> None:
    columns = {"decision_id": names[:3], "defaulted": [True, False, None]}
    pq.write_table(pa.table(columns), "outcomes.parquet")
    code, _printed = take(scorebox, "outcomes.parquet", "--observed-on", "2026-09-30", "--rejects", "rejects.csv")
    assert code == 0
    assert [(row["row"], row["why"]) for row in rejected()] == [("2", "defaulted: Field required")]
    assert [(item.outcome.defaulted, item.outcome.observed_on) for item in Outcomes(JOURNAL).kept("recorded")] == [
        (1, "2026-09-30"),
        (0, "2026-09-30"),
    ]


FORMS = [
    pa.array([1, 0, None], pa.int8()),
    pa.array([1, 0, None], pa.uint16()),
    pa.array([1.0, 0.0, float("nan")]),
    pa.array([True, False, None]),
    pa.array([1, 0, None], pa.decimal128(20, 0)),
    pa.array([True, False, None]).dictionary_encode(),
    pa.array([1, 0, None]).dictionary_encode(),
]


@pytest.mark.parametrize("labels", FORMS, ids=lambda labels: str(labels.type))
def test_labels_come_in_every_type_that_holds_them(names: list[str], scorebox: Run, labels: pa.Array) -> None:
    named = pa.array(names[:3]).dictionary_encode()
    pq.write_table(pa.table({"decision_id": named, "defaulted": labels}), "outcomes.parquet")
    code, _printed = take(scorebox, "outcomes.parquet", "--observed-on", "2026-09-30", "--rejects", "rejects.csv")
    assert code == 0
    assert [(row["row"], row["why"]) for row in rejected()] in (
        [("2", "defaulted: Field required")],
        [("2", "defaulted: Input should be a finite number")],
    )
    assert Outcomes(JOURNAL).labels() == {names[0]: 1, names[1]: 0}


def test_labels_of_a_csv_file_are_numbers_as_every_door_reads_them(names: list[str], scorebox: Run) -> None:
    cells = ["1.0", "+0", "1e0", "0x1", "1_0", "True"]
    lines = [f"{name},{cell}" for name, cell in zip(names, cells, strict=True)]
    Path("outcomes.csv").write_text("\n".join(["decision_id,defaulted", *lines, ""]))
    code, _printed = take(scorebox, "outcomes.csv", "--observed-on", "2026-09-30", "--rejects", "rejects.csv")
    assert code == 0
    message = "defaulted: Input should be a valid integer, unable to parse string as an integer"
    assert [(row["row"], row["why"]) for row in rejected()] == [(row, message) for row in "345"]
    assert Outcomes(JOURNAL).labels() == {names[0]: 1, names[1]: 0, names[2]: 1}


@pytest.mark.parametrize("name", ["outcomes.csv", "outcomes.parquet"])
def test_a_column_that_is_given_twice_is_named(names: list[str], scorebox: Run, name: str) -> None:
    columns = ["decision_id", "defaulted", "defaulted"]
    if name.endswith(".csv"):
        Path(name).write_text(f"{','.join(columns)}\n{names[0]},1,0\n")
    else:
        pq.write_table(pa.table([pa.array(names[:1]), pa.array([1]), pa.array([0])], names=columns), name)
    code, printed = take(scorebox, name, "--observed-on", "2026-09-30")
    assert (code, f"{name}: defaulted: Column is given twice" in printed) == (1, True)
    assert Outcomes(JOURNAL).labels() == {}


def test_a_date_of_its_own_counts_more_than_the_one_for_all(names: list[str], scorebox: Run) -> None:
    days = [date(2026, 8, 1), None]
    pq.write_table(pa.table({"decision_id": names[:2], "defaulted": [1, 0], "observed_on": days}), "outcomes.parquet")
    assert take(scorebox, "outcomes.parquet", "--observed-on", "2026-09-30")[0] == 0
    assert [item.outcome.observed_on for item in Outcomes(JOURNAL).kept("recorded")] == ["2026-08-01", "2026-09-30"]


@pytest.mark.parametrize("days", [[datetime(2026, 8, 1, 13)], [20260801]], ids=["a moment", "a number"])  # noqa: DTZ001
def test_a_moment_is_of_its_day_and_a_number_is_no_date(
    names: list[str], scorebox: Run, days: list[datetime] | list[int]
) -> None:
    pq.write_table(pa.table({"decision_id": names[:1], "defaulted": [1], "observed_on": days}), "outcomes.parquet")
    assert take(scorebox, "outcomes.parquet")[0] == (1 if isinstance(days[0], int) else 0)
    found = [item.outcome.observed_on for item in Outcomes(JOURNAL).kept("recorded")]
    assert found == ([] if isinstance(days[0], int) else ["2026-08-01"])


def test_dates_and_ids_may_be_written_as_other_systems_write_them(names: list[str], scorebox: Run) -> None:
    rows = [
        "decision_id,defaulted,observed_on",
        f"{names[0].upper()},1,2026-10-01 00:00:00",
        f"{{{names[1]}}},1,2026-10-01T00:00:00Z",
        f"urn:uuid:{names[2]},1,20261001",
        f"{names[3].upper()},1,2026-10-01T23:59:59.999+02:00",
    ]
    Path("outcomes.csv").write_text("\n".join([*rows, ""]))
    assert take(scorebox, "outcomes.csv")[0] == 0
    recorded = [item.outcome for item in Outcomes(JOURNAL).kept("recorded")]
    assert [(item.decision_id, item.observed_on) for item in recorded] == [(name, "2026-10-01") for name in names[:4]]
    assert scorebox("journal", "show", CARD.name, names[0].upper())[0] == 0
    assert scorebox("journal", "erase", CARD.name, f"{{{names[0].upper()}}}", names[1].upper(), "--yes")[0] == 0


def test_an_import_that_changes_nothing_ends_with_1_and_says_what_became_of_the_rows(
    names: list[str], scorebox: Run
) -> None:
    cases = {
        "2 broken": [f"{names[0]},1,yesterday", f"{names[1]},1,2126-01-01"],
        "2 unknown": ["nobody,1,2026-09-30", "somebody,1,2026-09-30"],
        "1 early, 1 broken": [f"{names[0]},1,2020-01-01", f"{names[1]},2,2026-09-30"],
        "it has no rows": [],
    }
    for found, rows in cases.items():
        Path("outcomes.csv").write_text("\n".join(["decision_id,defaulted,observed_on", *rows, ""]))
        code, printed = take(scorebox, "outcomes.csv", "--rejects", "rejects.csv")
        assert code == 1
        assert f"no outcome of outcomes.csv was recorded: {found}" in " ".join(printed.split())
        assert len(rejected()) == len(rows)
    assert len(Outcomes(JOURNAL).kept("unknown")) == 2


def test_a_date_for_all_is_none_of_the_future(names: list[str], scorebox: Run) -> None:
    Path("outcomes.csv").write_text(f"decision_id,defaulted\n{names[0]},1\n")
    code, printed = take(scorebox, "outcomes.csv", "--observed-on", "2126-01-01")
    assert code == 1
    assert "--observed-on 2126-01-01 is in the future" in printed
    assert take(scorebox, "outcomes.csv", "--observed-on", "2026-10-01 12:00")[0] == 0


def broken(tmp_path: Path) -> dict[str, tuple[str, bytes | None]]:
    return {
        "no file": ("there is no outcomes.csv", None),
        "empty": ("outcomes.csv is empty", b""),
        "no label": ("outcomes.csv has no column defaulted", b"decision_id,observed_on\n"),
        "no date": ("name the date with --observed-on", b"decision_id,defaulted\na,1\n"),
        "no text": (
            "outcomes.csv looks like neither text nor Parquet",
            b"decision_id,defaulted,observed_on\n\xff\xfe\x00,1,2026-09-30\n",
        ),
    }


@pytest.mark.parametrize("case", broken(Path()))
def test_a_broken_file_is_one_line_and_leaves_nothing(names: list[str], scorebox: Run, case: str) -> None:
    message, content = broken(Path())[case]
    if content is not None:
        Path("outcomes.csv").write_bytes(content)
    code, printed = take(scorebox, "outcomes.csv", "--rejects", "rejects.csv")
    assert code == 1
    assert message in printed
    assert not Path("rejects.csv").exists()
    assert sorted(path.name for path in Path().iterdir()) == sorted(
        ["journal", "params.yaml", *(["outcomes.csv"] if content is not None else [])]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["outcomes.txt"], "outcomes.txt is empty"),
        (["outcomes.csv", "--rejects", "./outcomes.csv"], "outcomes.csv is both read and written"),
        (["outcomes.csv", "--rejects", "journal/../outcomes.csv"], "outcomes.csv is both read and written"),
        (["outcomes.csv", "--rejects", f"{JOURNAL}/outcomes.sqlite"], f"lies in {JOURNAL}, which is read"),
        (["outcomes.csv", "--journal", "elsewhere"], "there is no journal in elsewhere"),
    ],
)
def test_what_cannot_be_done_is_one_line(names: list[str], scorebox: Run, arguments: list[str], message: str) -> None:
    write_csv(Path("outcomes.csv"), names, [0] * 6)
    Path("outcomes.txt").write_text("")
    code, printed = take(scorebox, *arguments)
    assert code == 1
    assert message in printed


def test_what_waited_is_settled_by_the_next_import(names: list[str], scorebox: Run) -> None:
    elsewhere = journal_of(Path("elsewhere"), draw_pds(2))
    write_csv(Path("outcomes.csv"), elsewhere, [0, 1])
    assert "unknown │ 2" in take(scorebox, "outcomes.csv")[1]
    listed = scorebox("outcomes", "list", CARD.name, "--unknown", "--conflicts")[1]
    assert all(name in listed for name in elsewhere)
    assert f"{CARD.name}: conflicting outcomes" in listed
    for path in Path("elsewhere").glob("segment-*"):
        path.rename(JOURNAL / path.name)
    write_csv(Path("more.csv"), [], [])
    code, printed = take(scorebox, "more.csv")
    assert code == 0
    assert "earlier outcomes waited for are there now: 2 recorded" in printed
    assert Outcomes(JOURNAL).labels() == dict(zip(elsewhere, [0, 1], strict=True))
    assert "2 recorded" in scorebox("outcomes", "list", CARD.name)[1]
