"""The contract of one credit product.

A scorecard module under `scoring/scorecards/` builds one `Scorecard`. Everything that is
particular to a product is reached through it: the application's fields and their rules, the
target, the features, the risk bands and the cut-off.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scoring.application import Application, FieldRule, field_rules, require_fields
from scoring.changeable import MOST_COMBINATIONS, Changeable, most_coarse_combinations
from scoring.derived import Derived
from scoring.features import Block
from scoring.labels import Label, labels_fault
from scoring.request_dialect import RequestDialect, dialects_fault
from scoring.statements import CODE, Statement, statements_fault
from scoring.tables.dialect import USUAL_MISSING, Dialect


@dataclass(frozen=True, slots=True)
class RiskBand:
    """A named range of PD: from the band before it up to, not including, `below`."""

    name: str
    below: float


@dataclass(frozen=True, slots=True)
class ReasonGroup:
    """Columns whose values are one reason for a decision."""

    code: str
    """Stable, in upper snake case: what a client's system knows the reason by."""
    sentence: str
    """The sentence in a letter where no statement is true: it must claim nothing that an applicant's fields could deny,
    such as "The income counts against the application."."""
    columns: tuple[str, ...]
    statements: tuple[Statement, ...] = ()
    """The other sentences that a letter may have of them, each where it is true. Without any, nothing is checked."""


MOST_LEVELS = 1_000
"""A field of more levels is no code."""
MOST_REASON_GROUPS = 10
"""Exact Shapley values take a scoring per coalition of groups: 1,024 of ten."""
PROTECTED_GROUP = "PROTECTED"
"""The group of the protected columns, in a model that reads some; never a reason that is stated."""


@dataclass(frozen=True, slots=True)
class PointScale:
    """Score points: `base_points` at `base_odds` good:bad, `double_odds` more each time the odds double.

    The scaling of N. Siddiqi, Credit Risk Scorecards (Wiley 2006), chapter 6.
    """

    base_points: float = 600.0
    base_odds: float = 50.0
    double_odds: float = 20.0


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a published data set: how it is known to be that one, and how its text is read."""

    file_name: str
    sha256: str | None
    """None where no hash is published: then it is recorded, not checked."""
    rows: int | None
    table: str = "applications"
    """Name of the table that it becomes."""
    separator: str = ","
    decimal: str = "."
    """The decimal mark of a number."""
    encoding: str = "utf-8"
    """As Python's codecs name it: latin-1, cp1252, utf-16."""
    missing: tuple[str, ...] = USUAL_MISSING
    """The texts that stand for a missing value, where they are no choice of a field."""
    columns: tuple[str, ...] = ()
    """Column names, for a file without a line of them."""
    ignored: tuple[str, ...] = ()
    """Columns that are left out wherever the file is read: a lender's own grade, a branch, a comment."""

    @property
    def dialect(self) -> Dialect:
        """The way in which its text is written."""
        return Dialect(self.separator, self.decimal, self.encoding, self.missing)


@dataclass(frozen=True, slots=True)
class Source:
    """A published data set, of one file or several."""

    title: str
    licence: str
    citation: str
    files: tuple[SourceFile, ...]


@dataclass(frozen=True)
class Scorecard:
    """One credit product: application, target, features, reasons, bands and cut-off."""

    name: str
    title: str
    purpose: str
    """The use of the score and who decides with it, in a few sentences; the model card opens with them."""
    limits: tuple[str, ...]
    """The known faults and gaps of any model of this product's data; for the model card."""
    application: type[Application]
    key: str
    """Column that identifies a row of the data set, the row's number if it has none; never a feature."""
    target: str
    """Column that says whether an applicant defaulted."""
    protected: frozenset[str]
    """Columns that the law keeps out of a decision; see `Scorecard.columns`."""
    cutoff: float
    """Applications with this PD or more are declined."""
    reasons: tuple[ReasonGroup, ...]
    """Every column that a graph may read is in one of them, but for protected columns."""
    bands: tuple[RiskBand, ...]
    sources: tuple[Source, ...]
    """The published data sets that it can be trained on; what is given decides which one."""
    features: Mapping[str, Callable[[bool], tuple[Block, ...]]]
    """Named feature sets; the argument says whether protected columns may be used."""
    sample: Callable[[np.random.Generator, int], dict[str, NDArray[Any]]]
    """Makes sample rows with the key, every field and the target."""
    example: Mapping[str, float | int | str]
    """An application as a client would send it; the README and the docs use it."""
    codes: frozenset[str] = frozenset()
    """Columns of whole numbers that are names, not amounts; text is always one. Their rare levels share the weight of
    others, by `training.graph.levels`."""
    changeable: tuple[Changeable, ...] = ()
    """The fields that an applicant can change, for counterfactuals; of two equal changes the first one wins."""
    held_ratios: tuple[tuple[str, str], ...] = ()
    """Pairs of columns above 0: no counterfactual raises the ratio of the first to the second."""
    derived: tuple[Derived, ...] = ()
    """The fields that follow from others: a counterfactual that changes a part changes them too."""
    history: Mapping[str, float] = field(default_factory=dict)
    """Columns that are known of an applicant from earlier, each with what stands for it where nothing is
    (NaN: missing). The pipeline computes them by `key`, which is a field then; the service reads them."""
    points: PointScale = PointScale()
    labels: Mapping[str, Label] = field(default_factory=dict)
    """By column: how the people at a form know it."""
    dialects: tuple[RequestDialect, ...] = ()
    """The words of callers that were written for other systems."""
    target_values: tuple[int, int] | tuple[str, str] = (0, 1)
    """The values of the target without and with a default. From the contract on it is 0 and 1."""
    duplicates: Literal["group", "separate"] = "group"
    """Rows that agree in every field but the key: `group` takes them for one applicant, who stays on one side of each
    split; `separate` takes each for an applicant, for products whose fields are few and alike for many people."""

    def __post_init__(self) -> None:
        uppers = [band.below for band in self.bands]
        if uppers != sorted(set(uppers)) or not uppers or uppers[-1] <= 1.0:
            raise ValueError(f"{self.name}: bands must rise, and the last must lie above 1")
        if not 0.0 < self.cutoff < 1.0:
            raise ValueError(f"{self.name}: the cut-off must lie between 0 and 1")
        unknown = self.protected - set(self.columns)
        if unknown:
            raise ValueError(f"{self.name}: protected columns are not fields: {sorted(unknown)}")
        if self.history and self.key not in self.columns:
            raise ValueError(f"{self.name}: a history is found by the key, so {self.key} must be a field")
        if not self.purpose.strip() or not self.limits or not all(limit.strip() for limit in self.limits):
            raise ValueError(f"{self.name}: purpose and limits must say something")
        self._check_codes()
        self._check_sources()
        self._check_changeable()
        self._check_reasons()
        if fault := labels_fault(self.labels, self.rules) or dialects_fault(self.dialects, self.rules):
            raise ValueError(f"{self.name}: {fault}")

    def _check_codes(self) -> None:
        span = {rule.column: rule.maximum - rule.minimum for rule in self.rules if rule.kind == "integer"}
        for column in sorted(self.codes):
            if column == self.key or span.get(column, MOST_LEVELS) >= MOST_LEVELS:
                raise ValueError(
                    f"{self.name}: {column} is no field of at most {MOST_LEVELS:,} whole numbers, so no code"
                )

    def _check_sources(self) -> None:
        choices = {choice: rule.column for rule in self.rules for choice in rule.choices}
        for file in (file for source in self.sources for file in source.files):
            try:
                dialect = file.dialect
            except ValueError as error:
                raise ValueError(f"{self.name}: {file.file_name}: {error}") from None
            for marker in dialect.missing:
                if marker in choices:
                    raise ValueError(
                        f"{self.name}: {file.file_name} takes {marker!r} for a missing value, and {choices[marker]} "
                        "has it as a choice: declare `missing` without it"
                    )
            needed = {self.key, self.target, *self.columns}.intersection(file.ignored)
            if needed:
                raise ValueError(f"{self.name}: {file.file_name} ignores {', '.join(sorted(needed))}, which are needed")

    def _check_changeable(self) -> None:
        by_column = {rule.column: rule for rule in self.rules}
        numbers = {rule.column: rule.minimum for rule in self.rules if rule.kind != "text"}
        columns = [one.column for one in self.changeable]
        if len(set(columns)) < len(columns):
            raise ValueError(f"{self.name}: a changeable column is declared twice")
        for one in self.changeable:
            if one.column not in by_column or one.column == self.key or one.column in self.protected:
                raise ValueError(f"{self.name}: {one.column} is no field, the key or protected, so not changeable")
            if broken := one.broken(by_column[one.column]):
                raise ValueError(f"{self.name}: the changeable column {one.column} {broken}")
            if one.at_most in columns or (one.at_most and one.at_most not in numbers):
                raise ValueError(f"{self.name}: {one.at_most}, a maximum of {one.column}, is no number that stays")
        fixed = frozenset({*columns, *(one.at_most for one in self.changeable), *self.protected, self.key})
        derived = frozenset(one.column for one in self.derived)
        for item in self.derived:
            if broken := item.broken(by_column, self.example, fixed):
                raise ValueError(f"{self.name}: the derived column {item.column} {broken}")
            if len(derived) < len(self.derived) or derived.intersection(item.parts):
                raise ValueError(f"{self.name}: the derived column {item.column} is declared twice, or made of another")
        if any(numbers.get(column, 0) <= 0 for pair in self.held_ratios for column in pair):
            raise ValueError(f"{self.name}: a held ratio is of two numbers above 0")
        if most_coarse_combinations(self.changeable) > MOST_COMBINATIONS:
            raise ValueError(f"{self.name}: more than {MOST_COMBINATIONS:,} combinations of changeable columns")

    def _check_reasons(self) -> None:
        codes = [group.code for group in self.reasons]
        if not 0 < len(codes) <= MOST_REASON_GROUPS:
            raise ValueError(f"{self.name}: there must be 1 to {MOST_REASON_GROUPS} reason groups, not {len(codes)}")
        for group in self.reasons:
            if not re.fullmatch(CODE, group.code) or group.code == PROTECTED_GROUP:
                raise ValueError(f"{self.name}: {group.code!r} is not the code of a reason, such as PAYMENT_DELAYS")
            if codes.count(group.code) > 1 or not group.sentence.strip():
                raise ValueError(f"{self.name}: reason {group.code} is there twice, or has no sentence")
        grouped = Counter(column for group in self.reasons for column in group.columns)
        expected = set(self.inputs) - self.protected - {self.key}
        wrong = expected ^ set(grouped) | {column for column, times in grouped.items() if times > 1}
        if wrong:
            raise ValueError(
                f"{self.name}: each column but the key and the protected ones must be in one reason group: "
                f"{', '.join(sorted(wrong))}"
            )
        rules = {rule.column: rule for rule in self.rules}
        for group in self.reasons:
            if group.statements and (fault := statements_fault(group.code, group.columns, group.statements, rules)):
                raise ValueError(f"{self.name}: {fault}")

    @cached_property
    def rules(self) -> tuple[FieldRule, ...]:
        """The field rules of the application, in column order."""
        return field_rules(self.application)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The data set's column name of every field, in declaration order."""
        return tuple(rule.column for rule in self.rules)

    @cached_property
    def text_columns(self) -> frozenset[str]:
        """Columns that hold text."""
        return frozenset(rule.column for rule in self.rules if rule.kind == "text")

    @cached_property
    def dialect(self) -> Dialect:
        """The way in which CSV files of its applications are written: as the first source of one file says.

        A text stands for a missing value where any source says so, and an empty cell always does.
        """
        files = [source.files[0] for source in self.sources if len(source.files) == 1 and not source.files[0].columns]
        own = files[0].dialect if files else Dialect()
        missing = {marker for file in files for marker in file.missing}
        return replace(own, missing=("", *sorted(missing - {""}))) if files else own

    @cached_property
    def ignored(self) -> frozenset[str]:
        """Columns that are left out wherever a file is read."""
        return frozenset(name for source in self.sources for file in source.files for name in file.ignored)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every column that a graph may read: the fields', then those of the history."""
        return (*self.columns, *self.history)

    def may_be_missing(self, rule: FieldRule) -> bool:
        """Return whether an applicant may have no such value, and a graph must do without it.

        A protected field may be left out by those who do not want to send it; it is there in the data.
        """
        return not rule.required and rule.column not in self.protected

    def request_model(self, used: Iterable[str]) -> type[Application]:
        """Return the application model for a graph that reads the columns `used`.

        Protected fields that the contract leaves optional are required where the graph reads them:
        a model must never score a missing value it was not trained on.
        """
        read = self.protected.intersection(used)
        return require_fields(
            self.application, [rule for rule in self.rules if rule.column in read and not rule.required]
        )
