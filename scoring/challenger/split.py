"""Champion and challenger: who decides an application, and who looks on.

The champion decides. A challenger scores the same applications off the request path, and where it has a share
of the applicants it decides for those, with a batcher and a thread of its own, so that its queue is never the
champion's; the champion then looks on. What it fails, or leaves waiting, is decided by the champion. A guard watches
it, and takes its share back for good where it breaks a bound.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from scoring.application import Application
from scoring.batcher import BatcherClosedError
from scoring.challenger.challenge import Challenge, place
from scoring.challenger.guard import Breach, Guard
from scoring.challenger.shadow import Shadow
from scoring.files import write_atomically
from scoring.history.store import HistoryUnavailableError
from scoring.journal.names import KeyConflictError
from scoring.journal.transaction import JournalUnavailableError
from scoring.moment import now
from scoring.rows import Rows, Table
from scoring.scorecard import Scorecard
from scoring.scorer import BatchSlice, Caller, Scorer

logger = logging.getLogger("bentoml.scorebox")

NOT_ITS_FAULT = (KeyConflictError, JournalUnavailableError, HistoryUnavailableError, BatcherClosedError)
"""What the champion would answer with too."""

WITHDRAWAL_FILE = "withdrawn.json"
"""In the journal's folder."""


class Withdrawal(BaseModel):
    """That a challenger has lost its share, and why; a person ends it by sending the challenger again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    challenge: str
    model: str
    measure: str
    value: float
    bound: float
    withdrawn_at: str

    def __str__(self) -> str:
        return (
            f"{self.model} lost its share at {self.withdrawn_at}: {self.measure} was {self.value:.4g} beyond chance, "
            f"at most {self.bound:g} is permitted"
        )

    @classmethod
    def of(cls, challenge: Challenge, path: Path) -> str | None:
        """Why this challenge has no share any more; None if it has not been withdrawn.

        A file that cannot be read is a reason too: nobody can say that it is of another challenge.
        """
        try:
            withdrawal = cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError):
            return f"{challenge.model} has no share: {path} cannot be read; remove it"
        return str(withdrawal) if withdrawal.challenge == challenge.id else None


@dataclass(frozen=True)
class Challenger:
    """The challenger's side of a contest.

    Attributes:
        scorer: decides for its share.
        shadow: looks on where the champion decides.
        champion_shadow: looks on where the challenger decides.
        withdrawal: the file that says that a challenger has lost its share.
        patience: seconds after which what it has not decided is the champion's.
    """

    challenge: Challenge
    scorer: Scorer
    shadow: Shadow
    champion_shadow: Shadow
    withdrawal: Path
    patience: float


class TrafficSplit:
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
        opponent: Challenger | None = None,
        withdrawn: Callable[[Breach], None] = lambda breach: None,
    ) -> None:
        self._scorecard = scorecard
        self.champion = champion
        self.opponent = opponent
        self._withdrawn = withdrawn
        self._key_field = next((rule.field for rule in scorecard.rules if rule.column == scorecard.key), None)
        self.share = 0.0
        """Of the applicants that the challenger decides now."""
        self.withdrawal: str | None = None
        """Why the challenger has lost its share."""
        self.guard: Guard | None = None
        if opponent is not None and opponent.challenge.share:
            self.guard = Guard(opponent.challenge.bounds)
            self.share = opponent.challenge.share
            self.heed_withdrawal()

    def heed_withdrawal(self) -> None:
        """Takes the share back if the guard of an earlier contest has withdrawn the same challenge."""
        if self.opponent is None or not self.share:
            return
        self.withdrawal = Withdrawal.of(self.opponent.challenge, self.opponent.withdrawal)
        if self.withdrawal is not None:
            self.share = 0.0

    async def decide(self, application: Application, caller: Caller) -> BatchSlice:
        """The decision of one application; raises as `Scorer.decide`."""
        if not self.share:
            return await self.champion.decide(application, caller)
        decided = await self._by_challenger([application], caller) if self._is_theirs(application, caller) else []
        return (decided or await self._by_champion([application], caller))[0]

    async def decide_all(self, rows: Rows, caller: Caller) -> list[BatchSlice]:
        """The decisions of many rows, in order; raises as `Scorer.decide_all`.

        A table is the champion's, since it is in the columns that its model reads. So are many rows under one key:
        after a withdrawal they would be divided in another way, and could not be found again.
        """
        if not self.share or isinstance(rows, Table) or caller.key is not None:
            return await self.champion.decide_all(rows, caller)
        theirs = [index for index, row in enumerate(rows) if self._is_theirs(row, caller)]
        ours = sorted(set(range(len(rows))).difference(theirs))
        decided, others = await asyncio.gather(
            self._by_challenger([rows[index] for index in theirs], caller),
            self._by_champion([rows[index] for index in ours], caller),
        )
        found = dict(zip(ours, others, strict=True))
        if len(decided) < len(theirs):
            decided = await self._by_champion([rows[index] for index in theirs], caller)
        found |= dict(zip(theirs, decided, strict=True))
        return [found[index] for index in range(len(rows))]

    async def close(self) -> None:
        """Finishes what waits and takes no more."""
        await self.champion.close()
        if self.opponent is not None:
            await self.opponent.scorer.close()
            # Without the event loop: what waits may take as long as the challenger likes.
            await asyncio.to_thread(self.opponent.shadow.close)
            await asyncio.to_thread(self.opponent.champion_shadow.close)

    def _is_theirs(self, application: Application, caller: Caller) -> bool:
        return place(self._scorecard.name, self._name(application, caller)) < self.share

    async def _by_champion(self, rows: Sequence[Application], caller: Caller) -> list[BatchSlice]:
        if not rows:
            return []
        began = perf_counter()
        decided = await self.champion.decide_all(rows, caller)
        if self.guard is not None:
            self.guard.champion_decided(*_outcome(decided), perf_counter() - began)
        return _singles(decided)

    async def _by_challenger(self, rows: Sequence[Application], caller: Caller) -> list[BatchSlice]:
        """The challenger's decisions, none if it fails."""
        if not rows:
            return []
        assert self.opponent is not None
        assert self.guard is not None
        began = perf_counter()
        try:
            async with asyncio.timeout(self.opponent.patience):
                decided = await self.opponent.scorer.decide_all(rows, caller)
        except NOT_ITS_FAULT:
            raise
        except Exception as error:
            logger.error("the challenger failed: %s", type(error).__name__)  # noqa: TRY400  # a message may hold a value
            self._heed(self.guard.challenger_failed())
            return []
        self._heed(self.guard.challenger_decided(*_outcome(decided), perf_counter() - began))
        return _singles(decided)

    def _heed(self, breach: Breach | None) -> None:
        if breach is None or not self.share:
            return
        assert self.opponent is not None
        self.share = 0.0
        challenge = self.opponent.challenge
        withdrawal = Withdrawal(
            challenge=challenge.id,
            model=challenge.model,
            measure=breach.measure,
            value=breach.value,
            bound=breach.bound,
            withdrawn_at=now(),
        )
        self.withdrawal = str(withdrawal)
        logger.error("%s", self.withdrawal)
        self._withdrawn(breach)
        try:
            write_atomically(self.opponent.withdrawal, withdrawal.model_dump_json(indent=2) + "\n")
        except OSError as error:
            logger.error("%s cannot be written: %s", self.opponent.withdrawal, error)  # noqa: TRY400  # says it all

    def _name(self, application: Application, caller: Caller) -> bytes:
        """What an applicant is known by: the caller's name, the scorecard's key, or else all that was sent."""
        if caller.applicant is not None:
            return caller.applicant.encode()
        if self._key_field is not None and (key := getattr(application, self._key_field)) is not None:
            return str(key).encode()
        return application.model_dump_json(by_alias=True, exclude_none=True).encode()


def _singles(shares: Sequence[BatchSlice]) -> list[BatchSlice]:
    return [(decisions, row, row + 1) for decisions, start, stop in shares for row in range(start, stop)]


def _outcome(shares: Sequence[BatchSlice]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """PD of each row, and whether it is declined."""
    parts = [(decisions.pd[start:stop], decisions.declined[start:stop]) for decisions, start, stop in shares]
    if len(parts) == 1:
        return parts[0]
    pd, declined = zip(*parts, strict=True)
    return np.concatenate(pd), np.concatenate(declined)
