"""The Bento service: a scorecard's decisions over HTTP.

BentoML's clients come from the typed methods. In a running server the face (`serving/face.py`)
answers the same routes faster, and all others of the table (`serving/routes.py`); both call the
same `Core`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bentoml
from bentoml.models import BentoModel

from serving.bento import (
    anonymous_caller,
    as_bento_errors,
    behind_face,
    built_for,
    hand_on_place,
    prepare_parent,
    start_process,
    started_in,
)
from serving.core import Core
from serving.outcomes import OutcomesTaken
from serving.payloads import Explanation
from serving.startup import load_current_config, load_startup_config

config = load_startup_config(Path(__file__).parent, started_in(), built_for())
hand_on_place(config.journal)
core = Core(config, lambda: load_current_config(Path(__file__).parent, config.settings, config.journal))
tags = config.release.tags

if TYPE_CHECKING:
    from scoring.application import Application
    from scoring.decision import Decision
    from serving.batches import Batch
    from serving.outcomes import OutcomeBatch
    from serving.payloads import BatchDecisions
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
    if config.challenger is not None:
        challenger = BentoModel(config.challenger[0].model)

    @bentoml.on_deployment
    def prepare() -> None:
        """Refuse several workers and hand signals on, in the process that starts them."""
        prepare_parent("scorebox")

    @bentoml.on_startup
    def start(self) -> None:
        """Open the journal and handle signals."""
        start_process(core)

    @bentoml.on_shutdown
    async def stop(self) -> None:
        """Answer the requests that wait."""
        await core.close()

    async def __is_ready__(self) -> bool:
        return not core.draining

    @bentoml.api
    async def predict(self, application: Application, /) -> Decision:
        """Decide one application."""
        with as_bento_errors(core):
            return Decision(**await core.predict(application, anonymous_caller(core)))

    @bentoml.api
    async def predict_batch(self, batch: Batch, /) -> BatchDecisions:
        """Decide many applications; a broken one does not fail the others."""
        with as_bento_errors(core):
            return BatchDecisions(**await core.predict_batch(batch, anonymous_caller(core)))

    @bentoml.api
    async def explain(self, application: Application, /) -> Explanation:
        """Explain how an application would be decided, and what would change it."""
        with as_bento_errors(core):
            return await core.explain(application)

    @bentoml.api
    async def outcomes(self, batch: OutcomeBatch, /) -> OutcomesTaken:
        """Attach matured outcomes to decisions; unknown and conflicting ones are kept aside and reported."""
        with as_bento_errors(core):
            return await core.outcomes(batch, anonymous_caller(core))
