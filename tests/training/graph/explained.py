"""Models with their explain graphs, and what contributions are by definition."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import permutations
from typing import Any, Literal

import numpy as np
import onnx
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from scoring.application import Application
from scoring.features import Block, raw_columns
from scoring.graph import Graph, Inputs, open_session
from scoring.models import Content
from scoring.plain_features import plain_features
from scoring.reasons import Explainer, Reference
from scoring.sampling import sample_by_rules
from scoring.scorecard import ReasonGroup, RiskBand, Scorecard
from scoring.scorecards import load
from tests.training import models
from training.calibration import Calibration, fit_isotonic, fit_platt
from training.families.family import Model
from training.families.registry import FAMILIES
from training.graph.explain import groups_read, with_explain_graph
from training.graph.export import export_graph
from training.graph.frontend import feature_matrix
from training.graph.inputs import graph_inputs
from training.graph.quantize import quantized


class PlanApplication(Application):
    income: float = Field(alias="INCOME", ge=0, le=1_000_000)
    debt: float | None = Field(None, alias="DEBT", ge=0, le=1_000_000)
    months: int = Field(alias="MONTHS", ge=1, le=60)
    price: float | None = Field(None, alias="PRICE", ge=1, le=5_000)
    channel: Literal["shop", "web", "agent"] | None = Field(None, alias="CHANNEL")
    colour: Literal["red", "blue"] = Field(alias="COLOUR")
    age: int | None = Field(None, alias="AGE", ge=18, le=120)
    sex: Literal["f", "m"] | None = Field(None, alias="SEX")


PLAN = Scorecard(
    name="plan",
    title="Plans",
    purpose="Tests.",
    limits=("Made up.",),
    application=PlanApplication,
    key="CONTRACT",
    target="UNPAID",
    protected=frozenset({"AGE", "SEX"}),
    cutoff=0.3,
    reasons=(
        ReasonGroup("MONEY", "Too little of it.", ("INCOME", "DEBT")),
        ReasonGroup("PLAN", "Too long, or too much.", ("PRICE", "MONTHS", "COLOUR")),
        ReasonGroup("CHANNEL", "Not a good one.", ("CHANNEL",)),
    ),
    bands=(RiskBand("ALL", 1.01),),
    sources=(),
    features={"fields": plain_features(PlanApplication, "CONTRACT", {"AGE", "SEX"})},
    sample=sample_by_rules(PlanApplication, "CONTRACT", "UNPAID", default_share=0.3),
    example={},
)
"""Text and numbers that may be missing."""
SMALL: dict[str, dict[str, Any]] = {
    "boosting": {"n_estimators": 30, "num_leaves": 8},
    "catboost": {"iterations": 30, "depth": 4},
    "forest": {"n_estimators": 20, "max_depth": 6},
    "logistic": {"C": 0.1},
}


@dataclass(frozen=True)
class Case:
    """A fitted model with both of its graphs."""

    card: Scorecard
    blocks: tuple[Block, ...]
    columns: list[str]
    inputs: Inputs
    model: Model
    calibration: Calibration
    content: bytes
    explain: bytes

    @property
    def both(self) -> Content:
        return Content(self.content, self.explain)

    @cached_property
    def graph(self) -> Graph:
        return Graph(self.content)

    @cached_property
    def explainer(self) -> Explainer:
        return Explainer(self.explain)

    def log_odds(self, inputs: Inputs) -> NDArray[np.float64]:
        """Calibrated as far as it is linear, by the fitted model, without the graph's body."""
        found = self.model.log_odds(feature_matrix(self.blocks, self.columns, inputs))
        return found * self.calibration.slope + self.calibration.intercept

    def graph_log_odds(self, inputs: Inputs) -> NDArray[np.float64]:
        """The same by the PD graph, cut off before its calibration."""
        model = onnx.load_from_string(self.content)
        (tail,) = (node for node in model.graph.node if node.name in ("calibration/platt", "calibration/in"))
        del model.graph.output[:]
        model.graph.output.append(
            onnx.helper.make_tensor_value_info(tail.input[0], onnx.TensorProto.FLOAT, ["rows", 1])
        )
        session = open_session(model.SerializeToString())
        found = session.run(None, inputs.feed(port.name for port in session.get_inputs()))[0]
        return np.asarray(found[:, 0], dtype=np.float64)

    def neutralised(self, inputs: Inputs, groups: list[tuple[int, ...]], reference: Reference) -> Inputs:
        """Each row with the reference's values in these of its groups."""
        read = groups_read(self.card, self.columns)
        graph = self.graph
        numeric = inputs.numeric.copy()
        text = None if inputs.text is None else inputs.text.copy()
        for row, chosen in enumerate(groups):
            for column in (column for group in chosen for column in read[group].columns):
                if column in graph.numeric_columns:
                    position = graph.numeric_columns.index(column)
                    numeric[row, position] = reference.inputs.numeric[0, position]
                else:
                    assert text is not None
                    assert reference.inputs.text is not None
                    position = graph.text_columns.index(column)
                    text[row, position] = reference.inputs.text[0, position]
        return Inputs(numeric, text)


@cache
def card_default(family: str, variant: str = "fp32", method: str = "platt") -> Case:
    """A model of card_default."""
    fitted = models.fitted(family)
    content = fitted.graph(method)
    if variant == "int8":
        int8 = quantized(content, fitted.inputs[:512])
        assert int8 is not None
        content = int8
    explained = with_explain_graph(models.CARD, content, fitted.inputs, fitted.features)
    calibration = fitted.calibration(method)
    return Case(
        models.CARD, fitted.blocks, fitted.columns, fitted.inputs, fitted.model, calibration, content, explained.explain
    )


@cache
def german_credit(family: str) -> Case:
    """A model of german_credit, on text."""
    return made(load("german_credit"), "one_hot", family, "platt", False)


@cache
def plan(family: str, protected: bool = False) -> Case:
    """A model of plans, on text and missing values."""
    return made(PLAN, "fields", family, "isotonic", protected)


def made(card: Scorecard, features: str, family: str, method: str, protected: bool) -> Case:
    frame = pd.DataFrame(card.sample(np.random.default_rng(8), 1_500))
    blocks = card.features[features](protected)
    used = raw_columns(blocks)
    columns = [column for column in card.columns if column in used]
    generator = np.random.default_rng(9)
    for rule in card.rules:
        if card.may_be_missing(rule):
            frame.loc[generator.random(len(frame)) < 0.3, rule.column] = None
    inputs = graph_inputs(frame, columns, card.text_columns)
    matrix = feature_matrix(blocks, columns, inputs)
    labels = (frame[card.target] == card.target_values[1]).to_numpy().astype(np.int64)
    model = FAMILIES[family].fit(matrix, labels, SMALL[family], 1)
    log_odds = model.log_odds(matrix)
    calibration = fit_platt(log_odds, labels) if method == "platt" else fit_isotonic(log_odds, labels)
    content = export_graph(blocks, columns, model, calibration)
    return Case(
        card,
        blocks,
        columns,
        inputs,
        model,
        calibration,
        content,
        with_explain_graph(card, content, inputs, matrix).explain,
    )


def by_definition(case: Case, rows: Inputs, reference: Reference, *, by_graph: bool) -> NDArray[np.float64]:
    """Return what each group adds when its values come in, averaged over all orders of the groups, [rows, groups].

    Each step of each order is scored as an application of its own.
    """
    count = len(groups_read(case.card, case.columns))
    log_odds = case.graph_log_odds if by_graph else case.log_odds
    known: dict[frozenset[int], NDArray[np.float64]] = {}

    def value(own: frozenset[int]) -> NDArray[np.float64]:
        if own not in known:
            others = tuple(group for group in range(count) if group not in own)
            known[own] = log_odds(case.neutralised(rows, [others] * len(rows), reference))
        return known[own]

    total = np.zeros((len(rows), count))
    orders = list(permutations(range(count)))
    for order in orders:
        own: frozenset[int] = frozenset()
        for group in order:
            total[:, group] += value(own | {group}) - value(own)
            own |= {group}
    return total / len(orders)
