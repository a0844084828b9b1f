"""BentoML as it comes: default settings, with and without its adaptive batching."""

import bentoml

from loadtests.peers.scorer import REQUEST, Score, score


@bentoml.service
class Plain:
    """One application per call."""

    @bentoml.api  # type: ignore[untyped-decorator]  # BentoML's decorator is not typed
    async def predict(self, application: REQUEST, /) -> Score:  # type: ignore[valid-type]  # made at run time
        """Return the PD of one application."""
        return score([application])[0]


@bentoml.service
class Batched:
    """Concurrent calls merged by BentoML: a batchable method takes and gives lists."""

    @bentoml.api(batchable=True)  # type: ignore[untyped-decorator]  # BentoML's decorator is not typed
    async def predict(self, applications: list[REQUEST]) -> list[Score]:  # type: ignore[valid-type]  # made at run time
        """Return one PD per application."""
        return score(applications)
