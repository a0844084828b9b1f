"""The sentences of a scorecard's reasons, by the codes that answers and the journal have."""

from __future__ import annotations

from scoring.scorecard import Scorecard


class Sentences:
    """Finds the sentence of a reason.

    Args:
        scorecard: whose sentences these are.
    """

    def __init__(self, scorecard: Scorecard) -> None:
        self._groups = {group.code: group.sentence for group in scorecard.reasons}
        self._statements = {
            (group.code, statement.code): statement.sentence
            for group in scorecard.reasons
            for statement in group.statements
        }

    def of(self, code: str, statement: str | None) -> str:
        """Return the sentence of a statement, of its group where there is none, or the code where that is unknown.

        Decisions of an earlier version of the scorecard may have codes that it no longer has.
        """
        return self._statements.get((code, statement or "")) or self._groups.get(code, code)
