"""Models that serve together: champion and challenger, put together from checked parts and exchanged as one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import numpy as np

from scoring.application import Application
from scoring.challenger.shadow import Shadow, ShadowObservers
from scoring.challenger.split import WITHDRAWAL_FILE, Challenger, TrafficSplit
from scoring.decider import Decider
from scoring.decision import Decisions
from scoring.frames import Frame, thin_frame
from scoring.rows import Rows
from scoring.scorer import Observers, Scorer
from serving.metrics import Metrics, Role
from serving.payloads import BandInfo, ChallengerInfo, Limits, ModelInfo, ReferenceInfo
from serving.startup import LoadedModel, StartupConfig

logger = logging.getLogger("bentoml.scorebox")

# An application is below 1 KiB; what is far beyond is none, and naming its errors costs time.
MOST_APPLICATION_BYTES = 16 << 10


class ServingModels:
    """What decides, warm when it is made; a context manager for who uses it."""

    def __init__(self, parts: StartupConfig, metrics: Metrics) -> None:
        self.parts = parts
        self._metrics = metrics
        self._shadows: dict[Role, Shadow] = {}
        self._callers = 0
        self._unused = asyncio.Event()
        self._unused.set()
        decider = self.decider = self._decider(parts.champion)
        champion = self._scorer(decider, parts.champion, "champion")
        opponent = self._opponent(decider, champion)
        self.contest = TrafficSplit(
            parts.scorecard, champion, opponent, lambda breach: metrics.withdrawn(breach.measure)
        )
        self._model_info = _model_info(parts, decider)

    @property
    def application(self) -> type[Application]:
        """The model that applications are validated with."""
        return self.contest.champion.application

    @property
    def frame(self) -> Frame:
        """Of the columns that the champion reads."""
        return self.contest.champion.frame

    @property
    def model_info(self) -> ModelInfo:
        """What serves, and whether the challenger still has its share."""
        if self.parts.challenger is None:
            return self._model_info
        challenge, _ = self.parts.challenger
        withdrawn = self.contest.withdrawal is not None
        challenger = ChallengerInfo(id=challenge.id, model=challenge.model, share=challenge.share, withdrawn=withdrawn)
        return self._model_info.model_copy(update={"challenger": challenger})

    @property
    def remote(self) -> bool:
        """Whether reading the history waits for another process."""
        return self.parts.champion.history is not None and self.parts.champion.history.remote

    @property
    def oldest_wait(self) -> float:
        """Seconds that the oldest waiting rows have waited."""
        opponent = self.contest.opponent
        theirs = 0.0 if opponent is None else opponent.scorer.oldest_wait
        return max(self.contest.champion.oldest_wait, theirs)

    @property
    def names(self) -> dict[str, str | None]:
        """What decides: model, policy, challenger."""
        challenge = self.parts.challenger[0] if self.parts.challenger else None
        return {
            "model": self.parts.champion.model.record.tag,
            "policy": self.parts.policy.id,
            "challenger": None if challenge is None else challenge.model,
            "challenge": None if challenge is None else challenge.id,
        }

    def say(self) -> None:
        """Logs who decides, and what is amiss with the challenger."""
        logger.info("serving: %s", self.names)
        if self.parts.unchallenged is not None:
            logger.error("without its challenger: %s", self.parts.unchallenged)
        if self.contest.withdrawal is not None:
            logger.warning("%s; it stays without until it is sent again", self.contest.withdrawal)

    def __enter__(self) -> TrafficSplit:
        """The contest, which is not closed before the block has ended."""
        self._callers += 1
        self._unused.clear()
        return self.contest

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._callers -= 1
        if not self._callers:
            self._unused.set()

    async def close(self) -> None:
        """Waits for its callers, finishes what waits and lets go of the histories."""
        await self._unused.wait()
        await self.contest.close()
        sides = [self.parts.champion, *([self.parts.challenger[1]] if self.parts.challenger else [])]
        for side in sides:
            if side.history is not None:
                side.history.close()

    def _decider(self, side: LoadedModel) -> Decider:
        decider = Decider.by_policy(self.parts.scorecard, side.model, self.parts.policy)
        # The first run of a session takes longer than any other; nobody's history is needed for it.
        example = self.parts.scorecard.application.model_validate(dict(self.parts.scorecard.example))
        inputs = thin_frame(self.parts.scorecard, side.model.graph.columns).inputs([example])
        decider.decide(inputs, np.ones(1, dtype=bool))
        return decider

    def _scorer(self, decider: Decider, side: LoadedModel, role: Role) -> Scorer:
        parts, metrics = self.parts, self._metrics

        def decided(decisions: Decisions, rows: Sequence[Rows]) -> None:
            metrics.decided(decisions, role)
            if (shadow := self._shadows.get(role)) is not None:
                shadow.offer(decisions, rows)

        return Scorer(
            parts.scorecard,
            decider,
            side.history,
            parts.journal,
            max_batch_size=parts.settings.max_batch_size,
            max_wait=parts.settings.max_wait,
            observers=Observers(metrics.batch, decided, metrics.committed),
        )

    def _opponent(self, decider: Decider, champion: Scorer) -> Challenger | None:
        journal = self.parts.journal
        if self.parts.challenger is None or journal is None:
            return None
        challenge, side = self.parts.challenger
        theirs = self._decider(side)
        scorer = self._scorer(theirs, side, "challenger")
        observers = ShadowObservers(
            lambda rows: self._metrics.shadowed("scored", rows),
            lambda rows: self._metrics.shadowed("dropped", rows),
            lambda rows: self._metrics.shadowed("failed", rows),
        )
        columns, others = champion.frame.columns, scorer.frame.columns
        shadow = self._shadows["champion"] = Shadow(theirs, scorer.frame, columns, journal, observers)
        other = self._shadows["challenger"] = Shadow(decider, champion.frame, others, journal, observers)
        # The champion needs the rest of the time for what the challenger leaves.
        settings = self.parts.settings
        patience = min(settings.max_wait, settings.request_timeout / 2)
        return Challenger(challenge, scorer, shadow, other, journal.folder / WITHDRAWAL_FILE, patience)


def _model_info(parts: StartupConfig, decider: Decider) -> ModelInfo:
    settings, scorecard, record = parts.settings, parts.scorecard, parts.champion.model.record
    return ModelInfo(
        scorecard=record.scorecard,
        title=scorecard.title,
        model=record.tag,
        version=record.version,
        variant=record.variant,
        available_variants=parts.release.tags,
        family=record.family,
        graph_sha256=record.graph_sha256,
        columns=record.columns,
        policy=parts.policy.id,
        cutoff=parts.policy.cutoff,
        reference=ReferenceInfo(pd=decider.reference.pd, values=dict(decider.reference.values)),
        journal="off" if parts.journal is None else settings.journal_sync,
        challenger=None,
        bands=[BandInfo(name=band.name, below=band.below) for band in scorecard.bands],
        metrics=record.metrics,
        data=record.data,
        data_label="SAMPLE DATA" if record.data.sample else "real data",
        history=None,
        git_revision=record.git_revision,
        mlflow_run_id=record.mlflow_run_id,
        libraries=record.libraries,
        limits=Limits(
            application_bytes=min(MOST_APPLICATION_BYTES, settings.max_body_bytes),
            batch_bytes=settings.max_body_bytes,
            batch_rows=settings.max_batch_rows,
            arrow_bytes=settings.max_arrow_bytes,
            arrow_rows=settings.max_arrow_rows,
            request_timeout_seconds=settings.request_timeout,
        ),
    )
