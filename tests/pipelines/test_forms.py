"""The same 600 rows in every form that banks and notebooks write: every door reads the same from each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from pydantic import Field

from pipelines.params import Params
from pipelines.portfolio import inputs, run
from pipelines.stages.ingest import ingest
from pipelines.stages.prepare import ContractViolatedError, features, validate
from pipelines.watch.current_rows import from_file
from pipelines.workspace import Workspace
from scoring.application import Application
from scoring.expected import DataError, ExpectedError
from scoring.features import category, optional, raw
from scoring.frames import Frame
from scoring.graph import sha256
from scoring.models import DataRecord, ModelRecord, StoredModel, open_model
from scoring.policy import CutoffPolicy
from scoring.scorecard import ReasonGroup, RiskBand, Scorecard, Source, SourceFile
from tests.arrow import arrow
from tests.conftest import SMALL_PARAMS
from training.calibration import Calibration
from training.families.logistic import Logistic
from training.graph.explain import with_explain_graph
from training.graph.export import export_graph
from training.parquet import read_parquet

ROWS = 600
KNOBS = Params.model_validate(SMALL_PARAMS).scorecard("card_default")
COLUMNS = ["AMOUNT", "MONTHS", "CHILDREN", "INCOME", "PURPOSE", "JOB"]


class Loan(Application):
    amount: float = Field(alias="AMOUNT", ge=0, le=1e6)
    months: int = Field(alias="MONTHS", ge=0, le=120)
    children: int | None = Field(None, alias="CHILDREN", ge=0, le=20)
    income: float | None = Field(None, alias="INCOME", ge=0, le=1e6)
    purpose: Literal["car", "a flat"] = Field(alias="PURPOSE")
    job: Literal["clerk", "nurse"] | None = Field(None, alias="JOB")


def rows() -> pd.DataFrame:
    """Good rows; amounts have quarters, which a float32 and a decimal hold."""
    generator = np.random.default_rng(5)
    children = generator.integers(0, 4, ROWS).astype(object)
    children[::7] = None
    income = (generator.integers(100, 9_000, ROWS) / 4).astype(object)
    income[::5] = None
    return pd.DataFrame(
        {
            "ID": np.arange(1, ROWS + 1),
            "AMOUNT": generator.integers(4_000, 90_000, ROWS) / 4,
            "MONTHS": generator.integers(6, 60, ROWS),
            "CHILDREN": pd.array(children, "Int64"),
            "INCOME": pd.array(income, "Float64"),
            "PURPOSE": generator.choice(["car", "a flat"], ROWS),
            "JOB": generator.choice(np.array(["clerk", "nurse", None], dtype=object), ROWS),
            "BAD": generator.integers(0, 2, ROWS),
        }
    )


CARD = Scorecard(
    name="toy_loans",
    title="A loan",
    purpose="Tests.",
    limits=("A toy.",),
    application=Loan,
    key="ID",
    target="BAD",
    protected=frozenset(),
    cutoff=0.5,
    reasons=(ReasonGroup("LOAN", "The loan is too large.", tuple(COLUMNS)),),
    bands=(RiskBand("A", 1.01),),
    sources=(Source("Loans", "CC0 1.0", "made for tests", (SourceFile("loans.csv", None, None),)),),
    features={},
    sample=lambda generator, count: {},
    example={"AMOUNT": 1_000.0, "MONTHS": 12, "PURPOSE": "car"},
)


@pytest.fixture(scope="module")
def model() -> StoredModel:
    blocks = (
        raw("AMOUNT", "MONTHS"),
        optional("CHILDREN", "INCOME").filled(0.0),
        category("PURPOSE", "car"),
        category("JOB", "clerk"),
    )
    logistic = Logistic(np.array([1e-4, -0.01, 0.3, -2e-4, 0.5, -0.4]), -1.5)
    graph = export_graph(blocks, COLUMNS, logistic, Calibration(method="platt"))
    sample = Frame(CARD, COLUMNS).read_table(plain().drop_columns(["ID", "BAD"])).inputs
    content = with_explain_graph(CARD, graph, sample, sample.numeric)
    record = ModelRecord(
        scorecard=CARD.name,
        version="1",
        variant="fp32",
        family="logistic",
        graph_sha256=sha256(content.graph),
        explain_sha256=sha256(content.explain),
        columns=COLUMNS,
        cutoff=CARD.cutoff,
        data=DataRecord(sha256="0" * 64, rows=ROWS, default_share=0.5, sample=True),
        metrics={},
        git_revision="0",
        mlflow_run_id="toy",
        libraries={},
    )
    return open_model(record, content)


Retype = Callable[[pa.Array], pa.Array]


def retyped(table: pa.Table, **columns: Retype) -> pa.Table:
    """The table with some columns in another type."""
    for name, retype in columns.items():
        place = table.column_names.index(name)
        table = table.set_column(place, name, retype(table.column(name).combine_chunks()))
    return table


def as_type(kind: pa.DataType) -> Retype:
    return lambda values: values.cast(kind)


def whole(retype: Retype) -> dict[str, Retype]:
    return dict.fromkeys(["MONTHS", "CHILDREN", "BAD"], retype)


def numbers(retype: Retype) -> dict[str, Retype]:
    return dict.fromkeys(["AMOUNT", "INCOME"], retype)


def texts(retype: Retype) -> dict[str, Retype]:
    return dict.fromkeys(["PURPOSE", "JOB"], retype)


def nan_for_null(values: pa.Array) -> pa.Array:
    return values.cast(pa.float64()).fill_null(float("nan"))


def encoded(values: pa.Array) -> pa.Array:
    return values.dictionary_encode()


PARQUET: dict[str, dict[str, Retype]] = {
    "int8": whole(as_type(pa.int8())),
    "int16": whole(as_type(pa.int16())),
    "int32": whole(as_type(pa.int32())),
    "uint8": whole(as_type(pa.uint8())),
    "uint32": whole(as_type(pa.uint32())),
    "uint64": whole(as_type(pa.uint64())),
    "floats": whole(as_type(pa.float64())) | numbers(as_type(pa.float32())),
    "NaN for null": whole(nan_for_null) | numbers(nan_for_null),
    "a boolean target": {"BAD": as_type(pa.bool_())},
    "decimals": whole(as_type(pa.decimal128(22, 2))) | numbers(as_type(pa.decimal128(22, 2))),
    "wide decimals": whole(as_type(pa.decimal256(60, 30))) | numbers(as_type(pa.decimal256(60, 30))),
    "dictionaries": texts(encoded) | whole(encoded) | numbers(encoded),
    "large texts": texts(as_type(pa.large_string())),
    "views": texts(as_type(pa.string_view())),
    "dictionaries of large texts": texts(lambda values: values.cast(pa.large_string()).dictionary_encode()),
}
WRITTEN: dict[str, Callable[[str, str], str]] = {
    "as it is": lambda name, cell: cell,
    "35.0": lambda name, cell: f"{cell}.0" if name in {"MONTHS", "CHILDREN", "BAD"} and cell else cell,
    "35e0": lambda name, cell: f"{cell}e0" if name in {"MONTHS", "AMOUNT", "BAD"} and cell else cell,
    "+35": lambda name, cell: f"+{cell}" if name in {"MONTHS", "AMOUNT", "CHILDREN"} and cell else cell,
    "0035": lambda name, cell: f"00{cell}" if name in {"MONTHS", "AMOUNT", "CHILDREN"} and cell else cell,
    "blanks around numbers": lambda name, cell: f" {cell} " if name in {"MONTHS", "AMOUNT"} else cell,
    "in quotes": lambda name, cell: f'"{cell}"' if cell else cell,
}


@cache
def plain() -> pa.Table:
    return arrow(rows())


def write_csv(path: Path, written: Callable[[str, str], str], table: pa.Table, separator: str = ",") -> Path:
    sink = pa.BufferOutputStream()
    pacsv.write_csv(table, sink, pacsv.WriteOptions(quoting_style="none"))
    header, *lines = sink.getvalue().to_pybytes().decode().splitlines()
    names = header.replace('"', "").split(",")
    cells = [[written(name, cell) for name, cell in zip(names, line.split(","), strict=True)] for line in lines]
    path.write_text("\n".join([header.replace(",", separator), *map(separator.join, cells), ""]))
    return path


def write_parquet(path: Path, columns: dict[str, Retype], table: pa.Table) -> Path:
    changed = retyped(table, **columns)
    assert not columns or changed.schema != table.schema
    pq.write_table(changed, path)
    return path


def scored(model: StoredModel, path: Path, most_rejected: float = 0, card: Scorecard = CARD) -> pa.Table:
    """What `scorebox score` makes of a file."""
    frame = Frame(card, model.graph.columns)
    found = inputs.find(card, frame, str(path))
    output = path.with_name("scored.parquet")
    to = run.targets(found, str(output), None)
    policy = CutoffPolicy.of(card)
    run.score(card, model, policy, found, to, most_rejected=most_rejected, engine="local", advance=lambda done: None)
    return pq.read_table(output)


def applications(path: Path, card: Scorecard = CARD) -> pd.DataFrame:
    """What ingest, validate and features make of a file."""
    workspace = Workspace(card.name, "full", path.parent / f"{path.suffix[1:]} artifacts")
    ingest(card, workspace, str(path), 0, lambda what, more, total: None)
    assert validate(card, workspace, KNOBS).holds
    assert features(card, workspace, KNOBS).holds
    return read_parquet(workspace.applications)[0]


Read = tuple[pa.Table, pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def expected(
    model: StoredModel, tmp_path_factory: pytest.TempPathFactory
) -> tuple[pa.Table, pd.DataFrame, pd.DataFrame]:
    path = write_csv(tmp_path_factory.mktemp("plain") / "loans.csv", WRITTEN["as it is"], plain())
    pds = scored(model, path)
    assert (pds.num_rows, len(set(pds.column("pd").to_pylist())) > ROWS // 2) == (ROWS, True)
    return pds, applications(path), from_file(CARD, COLUMNS, str(path), 0).frame


@pytest.mark.parametrize("form", ["plain", *PARQUET, *(f"cells: {name}" for name in WRITTEN)])
def test_every_door_reads_the_same_from_every_form(
    form: str, model: StoredModel, expected: Read, tmp_path: Path
) -> None:
    if form.startswith("cells: "):
        path = write_csv(tmp_path / "loans.csv", WRITTEN[form.removeprefix("cells: ")], plain())
    else:
        path = write_parquet(tmp_path / "loans.parquet", PARQUET.get(form, {}), plain())
    pds, trained, compared = expected
    assert scored(model, path).drop_columns(["ID"]).equals(pds.drop_columns(["ID"]))
    pd.testing.assert_frame_equal(applications(path), trained)
    pd.testing.assert_frame_equal(from_file(CARD, COLUMNS, str(path), 0).frame, compared)


DECLARED = replace(
    CARD,
    target_values=("good", "bad"),
    sources=(
        Source(
            "Kredite",
            "own data",
            "made for tests",
            (
                SourceFile(
                    "kredite.csv",
                    None,
                    None,
                    separator=";",
                    decimal=",",
                    encoding="cp1252",
                    missing=("", "NA", "-"),
                    ignored=("NOTE",),
                ),
            ),
        ),
    ),
)


def lenders_own(name: str, cell: str) -> str:
    """A cell of a lender's export, whose gaps are marked in three ways."""
    if name == "BAD":
        return {"0": "good", "1": "bad"}[cell]
    return cell.replace(".", ",") or {"CHILDREN": "NA", "INCOME": "-"}.get(name, "")


def test_what_a_source_declares_holds_at_every_door(model: StoredModel, expected: Read, tmp_path: Path) -> None:
    table = plain().drop_columns(["ID"]).append_column("NOTE", pa.array(["Ä"] * ROWS))
    path = write_csv(tmp_path / "kredite.csv", lenders_own, table, ";")
    path.write_bytes(path.read_text().encode("cp1252"))
    pds, trained, compared = expected
    assert scored(model, path, card=DECLARED).equals(pds.drop_columns(["ID"]))
    pd.testing.assert_frame_equal(applications(path, DECLARED), trained)
    pd.testing.assert_frame_equal(from_file(DECLARED, COLUMNS, str(path), 0).frame, compared)


@pytest.mark.parametrize("cell", ["0x2", "0X1F", "1_0", "2,5", "two"])
def test_what_is_no_number_is_one_at_no_door(cell: str, model: StoredModel, tmp_path: Path) -> None:
    for name in ("AMOUNT", "MONTHS", "CHILDREN"):
        path = tmp_path / name / "loans.csv"
        path.parent.mkdir()
        write_csv(path, WRITTEN["in quotes"], plain())
        lines = path.read_text().splitlines()
        cells = lines[4].split(",")
        cells[plain().column_names.index(name)] = f'"{cell}"'
        lines[4] = ",".join(cells)
        path.write_text("\n".join([*lines, ""]))
        scored(model, path, most_rejected=0.01)
        (rejected,) = pq.read_table(path.with_name("scored.rejects.parquet")).to_pylist()
        assert (rejected["row"], rejected["field"]) == (3, name)
        assert rejected["rule"] == ("float_parsing" if name == "AMOUNT" else "int_parsing")
        with pytest.raises(ContractViolatedError) as broken:
            applications(path)
        (violation,) = broken.value.report.violations
        assert (violation.column, violation.rule, violation.first_rows) == (name, "numbers, not text", [3])
        assert np.flatnonzero(from_file(CARD, [name], str(path), 0).frame[name].isna()).tolist() == (
            [row for row in range(ROWS) if row == 3 or (name == "CHILDREN" and row % 7 == 0)]
        )


@pytest.mark.parametrize("second", ["MONTHS", "months"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_column_that_is_given_twice_is_named_at_every_door(
    second: str, suffix: str, model: StoredModel, tmp_path: Path
) -> None:
    path = tmp_path / f"loans.{suffix}"
    table = pa.table([*plain().columns, plain().column("AMOUNT")], names=[*plain().column_names, second])
    if suffix == "csv":
        write_csv(path, WRITTEN["as it is"], table)
    else:
        pq.write_table(table, path)
    twice = f"loans.{suffix}: {second}: Column is given twice"
    with pytest.raises(DataError, match=twice):
        scored(model, path)
    with pytest.raises(ExpectedError, match=twice):
        from_file(CARD, COLUMNS, str(path), 0)
    if second == "MONTHS":
        with pytest.raises(DataError, match=twice):
            applications(path)


@pytest.mark.parametrize("kind", [pa.null(), pa.int64(), pa.string(), pa.bool_()], ids=str)
def test_a_column_of_nothing_but_null_is_read_whatever_its_type(
    kind: pa.DataType, model: StoredModel, tmp_path: Path
) -> None:
    (tmp_path / "without").mkdir()
    nothing = dict.fromkeys(["CHILDREN", "JOB"], lambda values: pa.nulls(ROWS, kind))
    bare = plain().drop_columns(["CHILDREN", "JOB"])
    cells = bare.append_column("CHILDREN", pa.nulls(ROWS)).append_column("JOB", pa.nulls(ROWS))
    empty = write_csv(tmp_path / "without" / "loans.csv", WRITTEN["as it is"], cells)
    path = write_parquet(tmp_path / "loans.parquet", nothing, plain())
    assert scored(model, path).drop_columns(["ID"]).equals(scored(model, empty).drop_columns(["ID"]))
    same = applications(path)[applications(empty).columns]
    pd.testing.assert_frame_equal(same, applications(empty))
    compared = from_file(CARD, COLUMNS, str(empty), 0).frame
    pd.testing.assert_frame_equal(from_file(CARD, COLUMNS, str(path), 0).frame, compared)
