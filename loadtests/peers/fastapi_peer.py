"""FastAPI, pydantic and ONNX Runtime."""

from typing import Annotated

from fastapi import FastAPI
from pydantic import BaseModel, Field

from loadtests.peers.scorer import REQUEST, Score, Scores, score


class Batch(BaseModel):
    """The body of a batch request."""

    applications: Annotated[list[REQUEST], Field(min_length=1, max_length=1000)]  # type: ignore[valid-type]  # made at run time


app = FastAPI(title="FastAPI peer")


@app.post("/predict")
async def predict(application: REQUEST) -> Score:  # type: ignore[valid-type]  # made at run time
    """Return the PD of one application."""
    return score([application])[0]


@app.post("/predict_batch")
async def predict_batch(batch: Batch) -> Scores:
    """Return the PDs of many applications."""
    return Scores(decisions=score(batch.applications))


@app.get("/readyz")
async def ready() -> dict[str, str]:
    """Return whether requests are answered."""
    return {"status": "ready"}
