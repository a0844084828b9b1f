"""The models that serve together, champion and challenger: a reload exchanges them as one."""

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


class ServingModels:
    """Champion and challenger, warm from the start; a context manager for each request that uses them.

    Args:
        config: the checked models, policy and journal.
        metrics: told of batches, decisions and commits.
    """

    def __init__(self, config: StartupConfig, metrics: Metrics) -> None:
        self.config = config
        self._metrics = metrics
        self._shadows: dict[Role, Shadow] = {}
        self._callers = 0
        self._unused = asyncio.Event()
        self._unused.set()
        decider = self.decider = self._warm_decider(config.champion)
        champion = self._scorer(decider, config.champion, "champion")
        challenger = self._challenger(decider, champion)
        self.traffic_split = TrafficSplit(
            config.scorecard, champion, challenger, lambda breach: metrics.count_withdrawal(breach.measure)
        )
        self._model_info = _model_info(config, decider)

    @property
    def application(self) -> type[Application]:
        """The model that applications are validated with."""
        return self.traffic_split.champion.application

    @property
    def frame(self) -> Frame:
        """Makes arrays of the columns that the champion reads."""
        return self.traffic_split.champion.frame

    @property
    def model_info(self) -> ModelInfo:
        """Champion, policy and limits, and whether the challenger still has its share."""
        if self.config.challenger is None:
            return self._model_info
        challenge, _ = self.config.challenger
        withdrawn = self.traffic_split.withdrawal is not None
        challenger = ChallengerInfo(id=challenge.id, model=challenge.model, share=challenge.share, withdrawn=withdrawn)
        return self._model_info.model_copy(update={"challenger": challenger})

    @property
    def history_is_remote(self) -> bool:
        """Whether reading the history waits for another process."""
        return self.config.champion.history is not None and self.config.champion.history.remote

    @property
    def oldest_wait(self) -> float:
        """Seconds that the oldest waiting rows have waited."""
        challenger = self.traffic_split.challenger
        at_challenger = 0.0 if challenger is None else challenger.scorer.oldest_wait
        return max(self.traffic_split.champion.oldest_wait, at_challenger)

    @property
    def numbers(self) -> dict[str, str]:
        """The registry's number, as text, of each model that can decide or could by a reload, by its exact tag."""
        releases = [self.config.release, *([self.config.challenger[0].release] if self.config.challenger else [])]
        return {tag: release.number for release in releases for tag in release.tags.values()}

    @property
    def names(self) -> dict[str, str | None]:
        """The tags and ids of model, policy and challenger."""
        challenge = self.config.challenger[0] if self.config.challenger else None
        return {
            "model": self.config.champion.model.record.tag,
            "policy": self.config.policy.id,
            "challenger": None if challenge is None else challenge.model,
            "challenge": None if challenge is None else challenge.id,
        }

    def log_state(self) -> None:
        """Log which models serve, and why a challenger does not take part."""
        logger.info("serving: %s", self.names)
        if self.config.challenger_fault is not None:
            logger.error("without its challenger: %s", self.config.challenger_fault)
        if self.traffic_split.withdrawal is not None:
            logger.warning("%s; it stays without until it is sent again", self.traffic_split.withdrawal)

    def __enter__(self) -> TrafficSplit:
        """Return the traffic split; it is not closed before the block has ended."""
        self._callers += 1
        self._unused.clear()
        return self.traffic_split

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._callers -= 1
        if not self._callers:
            self._unused.set()

    async def close(self) -> None:
        """Wait for the requests that use it, finish their batches and close the histories."""
        await self._unused.wait()
        await self.traffic_split.close()
        loaded_models = [self.config.champion, *([self.config.challenger[1]] if self.config.challenger else [])]
        for loaded in loaded_models:
            if loaded.history is not None:
                loaded.history.close()

    def _warm_decider(self, loaded: LoadedModel) -> Decider:
        decider = Decider.by_policy(self.config.scorecard, loaded.model, self.config.policy)
        # The first run of a session takes longer than any other; it needs no history.
        example = self.config.scorecard.application.model_validate(dict(self.config.scorecard.example))
        inputs = thin_frame(self.config.scorecard, loaded.model.graph.columns).inputs([example])
        decider.decide(inputs, np.ones(1, dtype=bool))
        return decider

    def _scorer(self, decider: Decider, loaded: LoadedModel, role: Role) -> Scorer:
        config, metrics = self.config, self._metrics

        def observe(decisions: Decisions, rows: Sequence[Rows]) -> None:
            metrics.count_decisions(decisions, role)
            if (shadow := self._shadows.get(role)) is not None:
                shadow.offer(decisions, rows)

        return Scorer(
            config.scorecard,
            decider,
            loaded.history,
            config.journal,
            max_batch_size=config.settings.max_batch_size,
            max_wait=config.settings.max_wait,
            observers=Observers(metrics.observe_batch, observe, metrics.observe_commit),
        )

    def _challenger(self, decider: Decider, champion: Scorer) -> Challenger | None:
        journal = self.config.journal
        if self.config.challenger is None or journal is None:
            return None
        challenge, loaded = self.config.challenger
        challenger_decider = self._warm_decider(loaded)
        scorer = self._scorer(challenger_decider, loaded, "challenger")
        observers = ShadowObservers(
            lambda rows: self._metrics.count_shadow("scored", rows),
            lambda rows: self._metrics.count_shadow("dropped", rows),
            lambda rows: self._metrics.count_shadow("failed", rows),
        )
        champion_columns, challenger_columns = champion.frame.columns, scorer.frame.columns
        # A shadow scores what the other model has decided, from the columns that one read.
        shadow = self._shadows["champion"] = Shadow(
            challenger_decider, scorer.frame, champion_columns, journal, observers
        )
        champion_shadow = self._shadows["challenger"] = Shadow(
            decider, champion.frame, challenger_columns, journal, observers
        )
        # The champion needs the rest of the time for what the challenger leaves.
        settings = self.config.settings
        patience = min(settings.max_wait, settings.request_timeout / 2)
        return Challenger(challenge, scorer, shadow, champion_shadow, journal.folder / WITHDRAWAL_FILE, patience)


def _model_info(config: StartupConfig, decider: Decider) -> ModelInfo:
    settings, scorecard, record = config.settings, config.scorecard, config.champion.model.record
    return ModelInfo(
        scorecard=record.scorecard,
        title=scorecard.title,
        model=record.tag,
        version=record.version,
        variant=record.variant,
        available_variants=config.release.tags,
        family=record.family,
        graph_sha256=record.graph_sha256,
        columns=record.columns,
        policy=config.policy.id,
        cutoff=config.policy.cutoff,
        reference=ReferenceInfo(pd=decider.reference.pd, values=dict(decider.reference.values)),
        journal="off" if config.journal is None else settings.journal_sync,
        challenger=None,
        bands=[BandInfo(name=band.name, below=band.below) for band in scorecard.bands],
        metrics=record.metrics,
        data=record.data,
        data_label=record.data.label,
        history=None,
        git_revision=record.git_revision,
        mlflow_run_id=record.mlflow_run_id,
        libraries=record.libraries,
        limits=Limits.of(settings),
    )
