"""The Bento service: a scorecard's decisions over HTTP.

The typed methods are the contract: BentoML's clients and the OpenAPI document come from them.
In a running server the face (`serving/face.py`) answers the same routes faster, and GET
/model_info, /health and /metrics beside them; both call the same `Core`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bentoml
from bentoml.models import BentoModel

from serving.bento import as_bento_errors, behind_face, built_for, started, unnamed
from serving.core import Core
from serving.outcomes import OutcomesTaken
from serving.payloads import Explanation
from serving.startup import find_models, find_parts

parts = find_parts(Path(__file__).parent, built_for())
core = Core(parts, lambda: find_models(Path(__file__).parent, parts.settings, parts.journal))
tags = parts.release.tags

if TYPE_CHECKING:
    from scoring.application import Application
    from scoring.decision import Decision
    from serving.outcomes import OutcomeBatch
    from serving.payloads import Batch, BatchDecisions
else:
    Application = core.application
    Batch = core.batch
    Decision = core.decision
    BatchDecisions = core.batch_decisions
    OutcomeBatch = core.outcome_batch


@bentoml.service(
    name="scorebox",
    service_class=behind_face(core),
    # One process per server, so that batches grow; scale by servers.
    workers=1,
    # Listens beyond loopback only where it is told to: --host or BENTOML_HOST.
    http={"host": "127.0.0.1", "port": 3000},
    traffic={"timeout": core.settings.request_timeout},
    # BentoML records spans even where nothing exports them, and counts and logs by raw path.
    tracing={"excluded_urls": ".*"},
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)
class Scorebox:
    """Probability of default, score points, risk band and decision for credit applications."""

    # Exact tags: both variants are packed, SCOREBOX_VARIANT chooses.
    fp32 = BentoModel(tags["fp32"])
    if "int8" in tags:
        int8 = BentoModel(tags["int8"])
    if parts.challenger is not None:
        challenger = BentoModel(parts.challenger[0].model)

    @bentoml.on_startup
    def start(self) -> None:
        """Takes SIGTERM over and freezes what is loaded."""
        started(core)

    @bentoml.on_shutdown
    async def stop(self) -> None:
        """Answers what waits."""
        await core.close()

    async def __is_ready__(self) -> bool:
        return not core.draining

    @bentoml.api
    async def predict(self, application: Application, /) -> Decision:
        """Decide one application."""
        with as_bento_errors():
            return Decision(**await core.predict(application, unnamed()))

    @bentoml.api
    async def predict_batch(self, batch: Batch, /) -> BatchDecisions:
        """Decide many applications; a broken one does not fail the others."""
        with as_bento_errors():
            return BatchDecisions(**await core.predict_batch(batch, unnamed()))

    @bentoml.api
    async def explain(self, application: Application, /) -> Explanation:
        """Explain how an application would be decided, and what would change it."""
        with as_bento_errors():
            return await core.explain(application)

    @bentoml.api
    async def outcomes(self, batch: OutcomeBatch, /) -> OutcomesTaken:
        """Attach matured outcomes to decisions; unknown and conflicting ones are kept aside and reported."""
        with as_bento_errors():
            return await core.outcomes(batch, unnamed())
