"""Features for a product that needs no engineering: its fields as they are."""

from __future__ import annotations

from collections.abc import Callable, Collection

from scoring.application import Application, field_rules
from scoring.features import Block, category, optional, raw


def plain_features(
    application: type[Application], key: str, protected: Collection[str]
) -> Callable[[bool], tuple[Block, ...]]:
    """Return numbers as they are, texts as one column per choice.

    A field that may be missing stays missing, which trees take, and every other family does not.
    """

    def blocks(with_protected: bool) -> tuple[Block, ...]:
        rules = [
            rule
            for rule in field_rules(application)
            if rule.column != key and (with_protected or rule.column not in protected)
        ]
        known = [r.column for r in rules if r.kind != "text" and (r.required or r.column in protected)]
        missing = [r.column for r in rules if r.kind != "text" and r.column not in known]
        texts = [category(rule.column, *rule.choices) for rule in rules if rule.kind == "text"]
        return (*([raw(*known)] if known else []), *([optional(*missing)] if missing else []), *texts)

    return blocks
