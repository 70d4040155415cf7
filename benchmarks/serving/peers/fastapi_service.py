"""A plain FastAPI and TensorFlow service of one SavedModel, as in FastAPI's and TensorFlow's own guides.

FastAPI's guide shows a pydantic class for the body and a `def` endpoint, which FastAPI runs in its threads.
TensorFlow's guide loads a SavedModel and calls a signature on tensors. For production FastAPI's guide adds a worker
process for each core (`uvicorn --workers`). Threads that call TensorFlow slow one another; an `async def` endpoint,
which answers one request at a time, is twice as fast. So both are here, and ours is compared with the faster one. The
service answers one row, and checks types but no ranges. It has no batching, no versions, no metrics, no limits and no
log of requests.

The variable PEER_MODEL names the version's folder. benchmarks.serving.peer starts it.
"""

import os
from pathlib import Path

import fastapi
import pydantic
import tensorflow as tf

from benchmarks.serving.peers.rows import dtypes, row_type
from benchmarks.serving.subject import CONTRACT
from serving import contract as contracts

MODEL = "PEER_MODEL"
PATH, ASYNC_PATH = "/predict", "/predict_async"


class Prediction(pydantic.BaseModel):
    """The answer."""

    probability: float


def make_app() -> fastapi.FastAPI:
    """Make the application, with the model loaded."""
    version = Path(os.environ[MODEL])
    contract = contracts.read(version / CONTRACT)
    row, types = row_type(contract), dtypes(contract)
    model = tf.saved_model.load(str(version))
    signature = model.signatures["serving_raw"]
    app = fastapi.FastAPI()
    app.state.model = model  # a signature does not keep its model's variables

    def answer(sent: pydantic.BaseModel) -> Prediction:
        tensors = {name: tf.constant([value], types[name]) for name, value in sent.model_dump().items()}
        return Prediction(probability=float(signature(**tensors)["predictions"][0, 0]))

    # FastAPI reads the annotation, whose class is made from the contract at run time: mypy cannot know it.
    @app.post(PATH)
    def predict(sent: row) -> Prediction:  # type: ignore[valid-type]
        return answer(sent)

    @app.post(ASYNC_PATH)
    async def predict_async(sent: row) -> Prediction:  # type: ignore[valid-type]
        return answer(sent)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app
