"""Divide applicants between champion and challenger.

The champion decides. A challenger shadows it: it scores the same applications off the request path. Where it has a
share of the applicants it decides for those, with a batcher and a thread of its own, so that its queue is never the
champion's; the champion then shadows it. The champion decides whatever the challenger fails or leaves waiting. A guard
watches the challenger, and withdraws its share for good where it breaks a bound.
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
from scoring.challenger.guard import Breach, Guard, Names, names
from scoring.challenger.shadow import Shadow
from scoring.decision import BatchSlice
from scoring.files import write_atomically
from scoring.history.store import HistoryUnavailableError
from scoring.journal.names import KeyConflictError
from scoring.journal.transaction import JournalUnavailableError
from scoring.moment import now_to_the_millisecond
from scoring.rows import Rows, Table
from scoring.scorecard import Scorecard
from scoring.scorer import Caller, Scorer

logger = logging.getLogger("bentoml.scorebox")

NOT_ITS_FAULT = (KeyConflictError, JournalUnavailableError, HistoryUnavailableError, BatcherClosedError)
"""Errors that the champion would answer with too."""

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
        """Return why this challenge has no share any more; None if it has not been withdrawn.

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
    """A challenger, loaded next to the champion.

    Attributes:
        scorer: decides for its share.
        shadow: scores, for the journal only, what the champion decides.
        champion_shadow: scores, for the journal only, what the challenger decides.
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
    """The champion, and a challenger with or without a share of the applicants.

    Args:
        scorecard: the product.
        champion: decides.
        challenger: None without one.
        withdrawn: called with the breach when the guard withdraws the share.
    """

    def __init__(
        self,
        scorecard: Scorecard,
        champion: Scorer,
        challenger: Challenger | None = None,
        withdrawn: Callable[[Breach], None] = lambda breach: None,
    ) -> None:
        self._scorecard = scorecard
        self.champion = champion
        self.challenger = challenger
        self._withdrawn = withdrawn
        self._key_field = next((rule.field for rule in scorecard.rules if rule.column == scorecard.key), None)
        self.share = 0.0
        """The fraction of the applicants that the challenger decides for now."""
        self.withdrawal: str | None = None
        """Why the challenger has lost its share."""
        self.guard: Guard | None = None
        if challenger is not None and challenger.challenge.share:
            self.guard = Guard(challenger.challenge.bounds)
            self.share = challenger.challenge.share
            self.apply_withdrawal()

    def apply_withdrawal(self) -> None:
        """Withdraw the share if the guard of an earlier split has withdrawn the same challenge."""
        if self.challenger is None or not self.share:
            return
        self.withdrawal = Withdrawal.of(self.challenger.challenge, self.challenger.withdrawal)
        if self.withdrawal is not None:
            self.share = 0.0

    async def decide(self, application: Application, caller: Caller) -> BatchSlice:
        """Return the decision of one application; raise as `Scorer.decide`."""
        if not self.share:
            return await self.champion.decide(application, caller)
        decided = await self._by_challenger([application], caller) if self._is_challengers(application, caller) else []
        return (decided or await self._by_champion([application], caller))[0]

    async def decide_all(self, rows: Rows, caller: Caller) -> list[BatchSlice]:
        """Return the decisions of many rows, in order; raise as `Scorer.decide_all`.

        A table is the champion's, since it is in the columns that its model reads. So are many rows under one key:
        after a withdrawal they would be divided in another way, and could not be found again.
        """
        if not self.share or isinstance(rows, Table) or caller.key is not None:
            return await self.champion.decide_all(rows, caller)
        theirs = [index for index, row in enumerate(rows) if self._is_challengers(row, caller)]
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
        """Refuse new rows and finish those that wait."""
        await self.champion.close()
        if self.challenger is not None:
            await self.challenger.scorer.close()
            # Without the event loop: what waits may take as long as the challenger likes.
            await asyncio.to_thread(self.challenger.shadow.close)
            await asyncio.to_thread(self.challenger.champion_shadow.close)

    def _is_challengers(self, application: Application, caller: Caller) -> bool:
        return place(self._scorecard.name, self._applicant_key(application, caller)) < self.share

    async def _by_champion(self, rows: Sequence[Application], caller: Caller) -> list[BatchSlice]:
        if not rows:
            return []
        began = perf_counter()
        decided = await self.champion.decide_all(rows, caller)
        if self.guard is not None:
            self.guard.champion_decided(*_pd_and_declined(decided), perf_counter() - began, self._names(rows, caller))
        return _single_rows(decided)

    async def _by_challenger(self, rows: Sequence[Application], caller: Caller) -> list[BatchSlice]:
        """Return the challenger's decisions; none if it fails."""
        if not rows:
            return []
        assert self.challenger is not None
        assert self.guard is not None
        began = perf_counter()
        try:
            async with asyncio.timeout(self.challenger.patience):
                decided = await self.challenger.scorer.decide_all(rows, caller)
        except NOT_ITS_FAULT:
            raise
        except Exception as error:
            logger.error("the challenger failed: %s", type(error).__name__)  # noqa: TRY400  # a message may hold a value
            self._withdraw_share(self.guard.challenger_failed())
            return []
        seconds = perf_counter() - began
        self._withdraw_share(
            self.guard.challenger_decided(*_pd_and_declined(decided), seconds, self._names(rows, caller))
        )
        return _single_rows(decided)

    def _withdraw_share(self, breach: Breach | None) -> None:
        """Withdraw the share where a bound is broken; log it, and write the file that keeps it withdrawn."""
        if breach is None or not self.share:
            return
        assert self.challenger is not None
        self.share = 0.0
        challenge = self.challenger.challenge
        withdrawal = Withdrawal(
            challenge=challenge.id,
            model=challenge.model,
            measure=breach.measure,
            value=breach.value,
            bound=breach.bound,
            withdrawn_at=now_to_the_millisecond(),
        )
        self.withdrawal = str(withdrawal)
        logger.error("%s", self.withdrawal)
        self._withdrawn(breach)
        try:
            write_atomically(self.challenger.withdrawal, withdrawal.model_dump_json(indent=2) + "\n")
        except OSError as error:
            logger.error("%s", error)  # noqa: TRY400  # says it all

    def _names(self, rows: Sequence[Application], caller: Caller) -> list[Names]:
        # Two applicants with the same application have other keys in it.
        key = None if self._key_field is None else {self._key_field}
        return [
            names(
                self._applicant_key(row, caller),
                row.model_dump_json(by_alias=True, exclude_none=True, exclude=key).encode(),
            )
            for row in rows
        ]

    def _applicant_key(self, application: Application, caller: Caller) -> bytes:
        """Return what identifies an applicant: the caller's name, the scorecard's key, or else all that was sent."""
        if caller.applicant is not None:
            return caller.applicant.encode()
        if self._key_field is not None and (key := getattr(application, self._key_field)) is not None:
            return str(key).encode()
        return application.model_dump_json(by_alias=True, exclude_none=True).encode()


def _single_rows(slices: Sequence[BatchSlice]) -> list[BatchSlice]:
    """Return a slice of one row for each row of the slices."""
    return [(decisions, row, row + 1) for decisions, start, stop in slices for row in range(start, stop)]


def _pd_and_declined(slices: Sequence[BatchSlice]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the PD of each row, and whether it is declined."""
    parts = [(decisions.pd[start:stop], decisions.declined[start:stop]) for decisions, start, stop in slices]
    if len(parts) == 1:
        return parts[0]
    pd, declined = zip(*parts, strict=True)
    return np.concatenate(pd), np.concatenate(declined)
