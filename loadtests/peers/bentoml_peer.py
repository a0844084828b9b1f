"""BentoML as it comes: default settings, with and without its adaptive batching."""

import bentoml

from loadtests.peers.scorer import REQUEST, decide
from scoring.decision import Decision


@bentoml.service
class Plain:
    """One application per call."""

    @bentoml.api  # type: ignore[untyped-decorator]  # BentoML's decorator is not typed
    async def predict(self, application: REQUEST, /) -> Decision:  # type: ignore[valid-type]  # made at run time
        """The decision of one application."""
        return decide([application])[0]


@bentoml.service
class Batched:
    """Concurrent calls merged by BentoML: a batchable method takes and gives lists."""

    @bentoml.api(batchable=True)  # type: ignore[untyped-decorator]  # BentoML's decorator is not typed
    async def predict(self, applications: list[REQUEST]) -> list[Decision]:  # type: ignore[valid-type]  # made at run time
        """One decision per application."""
        return decide(applications)
