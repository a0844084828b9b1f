"""Do once, before the service is ready, what takes long the first time."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec

import numpy as np
import orjson
import pyarrow as pa

from scoring.decider import Decider
from scoring.frames import thin_frame
from scoring.scorecard import Scorecard
from serving.arrow import read_rows, write_decisions
from serving.explain import explain
from serving.payloads import batch_decisions
from serving.problems import to_json


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        if fullname == "pandas":
            raise ModuleNotFoundError("no pandas here", name=fullname)
        return None


def let_arrow_do_without_pandas() -> None:
    """Let pyarrow find no pandas: it looks once, at its first conversion, and the import takes seconds."""
    if "pandas" in sys.modules:
        return
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(finder)


def warm(scorecard: Scorecard, decider: Decider) -> None:
    """Decide the example of a scorecard in every form of request and answer; nothing is kept or counted."""
    example = scorecard.application.model_validate(dict(scorecard.example))
    frame = thin_frame(scorecard, decider.graph.columns)
    table = pa.table({rule.column: [getattr(example, rule.field)] for rule in scorecard.rules})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    read = read_rows(sink.getvalue().to_pybytes(), frame, 1)
    decisions = decider.decide(read.rows.inputs, np.ones(1, dtype=bool))
    slices = [(decisions, 0, 1)]
    write_decisions(read, slices, every_reason=True)
    to_json(batch_decisions(1, slices, read.positions, read.errors, every_reason=True))
    orjson.dumps(decisions.members(0, every_reason=True))
    explain(scorecard, decider, frame, example).model_dump_json(by_alias=True)
