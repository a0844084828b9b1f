"""Champion and challenger: who decides an application, and who looks on.

The champion decides. A challenger scores the same applications off the request path, and where it has a share
of the applicants it decides for those, with a batcher and a thread of its own, so that its queue is never the
champion's; the champion then looks on. What it fails is decided by the champion. A guard watches it, and takes
its share back for good where it breaks a bound.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from pydantic import BaseModel, ValidationError

from scoring.batcher import BatcherClosedError
from scoring.challenge import Challenge, place
from scoring.files import write_atomically
from scoring.guard import Breach, Guard
from scoring.history import HistoryUnavailableError
from scoring.journal.writer import JournalUnavailableError, KeyConflictError, now
from scoring.rows import Rows, Table, json_of
from scoring.scorecard import Application, Scorecard
from scoring.scorer import Caller, Scorer, Share
from scoring.shadow import Shadow

logger = logging.getLogger("bentoml.scorebox")

NOT_ITS_FAULT = (KeyConflictError, JournalUnavailableError, HistoryUnavailableError, BatcherClosedError)
"""What the champion would answer with too."""


class Withdrawal(BaseModel):
    """That a challenger has lost its share, and why; a person ends it by sending the challenger again."""

    challenge: str
    model: str
    measure: str
    value: float
    bound: float
    withdrawn_at: str

    @classmethod
    def read(cls, path: Path) -> Withdrawal | None:
        """The withdrawal in the file; None if there is none."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None


@dataclass(frozen=True)
class Opponent:
    """The challenger's side of a contest.

    Attributes:
        scorer: decides for its share.
        shadow: looks on where the champion decides.
        champion_shadow: looks on where the challenger decides.
        withdrawal: the file that says that a challenger has lost its share.
    """

    challenge: Challenge
    scorer: Scorer
    shadow: Shadow
    champion_shadow: Shadow
    withdrawal: Path


class Contest:
    """See the module's docstring.

    Args:
        scorecard: the product.
        champion: decides.
        opponent: the challenger, None without one.
        withdrawn: told when the guard takes the share back.
    """

    def __init__(
        self,
        scorecard: Scorecard,
        champion: Scorer,
        opponent: Opponent | None = None,
        withdrawn: Callable[[Breach], None] = lambda breach: None,
    ) -> None:
        self._scorecard = scorecard
        self.champion = champion
        self.opponent = opponent
        self._withdrawn = withdrawn
        self._key_field = next((rule.field for rule in scorecard.rules if rule.column == scorecard.key), None)
        self.share = 0.0
        """Of the applicants that the challenger decides now."""
        self.guard: Guard | None = None
        if opponent is not None and opponent.challenge.share:
            self.guard = Guard(opponent.challenge.bounds)
            before = Withdrawal.read(opponent.withdrawal)
            if before is not None and before.challenge == opponent.challenge.id:
                logger.warning("%s stays without a share: %s", before.model, _why(before))
            else:
                self.share = opponent.challenge.share

    async def decide(self, application: Application, caller: Caller) -> Share:
        """The decision of one application; raises as `Scorer.decide`."""
        if not self.share:
            return await self.champion.decide(application, caller)
        return (await self._divided([application], caller))[0]

    async def decide_all(self, rows: Rows, caller: Caller) -> list[Share]:
        """The decisions of many rows, in order; raises as `Scorer.decide_all`.

        A table is the champion's, and so are many rows under one key: who is asked again must be the same.
        """
        if not self.share or isinstance(rows, Table) or caller.key is not None:
            return await self.champion.decide_all(rows, caller)
        return await self._divided(rows, caller)

    async def close(self) -> None:
        """Finishes what waits and takes no more."""
        await self.champion.close()
        if self.opponent is not None:
            await self.opponent.scorer.close()
            self.opponent.shadow.close()
            self.opponent.champion_shadow.close()

    async def _divided(self, rows: Sequence[Application], caller: Caller) -> list[Share]:
        places = [place(self._scorecard.name, self._name(row, caller)) for row in rows]
        theirs = [index for index, where in enumerate(places) if where < self.share]
        found: dict[int, Share] = {}
        if theirs:
            found = dict(zip(theirs, await self._challenged([rows[index] for index in theirs], caller), strict=False))
        ours = [index for index in range(len(rows)) if index not in found]
        if ours:
            began = perf_counter()
            decided = await self.champion.decide_all([rows[index] for index in ours], caller)
            seconds = perf_counter() - began
            if self.guard is not None:
                for decisions, start, stop in decided:
                    self.guard.champion_decided(decisions, range(start, stop), seconds)
            found |= dict(zip(ours, _singles(decided), strict=True))
        return [found[index] for index in range(len(rows))]

    async def _challenged(self, rows: Sequence[Application], caller: Caller) -> list[Share]:
        """The challenger's decisions, none if it fails."""
        assert self.opponent is not None
        assert self.guard is not None
        began = perf_counter()
        try:
            decided = await self.opponent.scorer.decide_all(rows, caller)
        except NOT_ITS_FAULT:
            raise
        except Exception as error:
            logger.error("the challenger failed: %s", type(error).__name__)  # noqa: TRY400  # a message may hold a value
            self._heed(self.guard.challenger_failed())
            return []
        seconds = perf_counter() - began
        for decisions, start, stop in decided:
            self._heed(self.guard.challenger_decided(decisions, range(start, stop), seconds))
        return _singles(decided)

    def _heed(self, breach: Breach | None) -> None:
        if breach is None or not self.share:
            return
        assert self.opponent is not None
        self.share = 0.0
        challenge = self.opponent.challenge
        withdrawal = Withdrawal(
            challenge=challenge.id,
            model=challenge.release.tags[challenge.release.serving],
            measure=breach.measure,
            value=breach.value,
            bound=breach.bound,
            withdrawn_at=now(),
        )
        logger.error("%s loses its share: %s", withdrawal.model, breach)
        self._withdrawn(breach)
        try:
            write_atomically(self.opponent.withdrawal, withdrawal.model_dump_json(indent=2) + "\n")
        except OSError as error:
            logger.error("%s cannot be written: %s", self.opponent.withdrawal, error)  # noqa: TRY400  # says it all

    def _name(self, application: Application, caller: Caller) -> bytes:
        """What an applicant is known by: the caller's name, the scorecard's key, or else all that was sent."""
        if caller.applicant is not None:
            return caller.applicant.encode()
        if self._key_field is not None:
            return str(getattr(application, self._key_field)).encode()
        return json_of([application])[0]


def _singles(shares: Sequence[Share]) -> list[Share]:
    return [(decisions, row, row + 1) for decisions, start, stop in shares for row in range(start, stop)]


def _why(withdrawal: Withdrawal) -> str:
    return f"{withdrawal.measure} was {withdrawal.value:.4g} at {withdrawal.withdrawn_at}, at most {withdrawal.bound:g}"
