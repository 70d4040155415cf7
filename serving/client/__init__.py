"""A Python client of the gateway, for any task, without TensorFlow. A row is a mapping of the contract's features.

    >>> from serving.client import Client
    >>> trip = {
    ...     "trip_start_timestamp": 1380387600, "trip_start_hour": 17, "trip_start_day": 7, "trip_start_month": 9,
    ...     "fare": 7.65, "trip_miles": 1.6, "payment_type": "Credit Card", "company": None,
    ... }
    >>> with Client("http://127.0.0.1:8080", endpoint="tip") as client:
    ...     prediction = client.predict(trip)
    ...     both = client.predict_many([trip, trip | {"payment_type": "Cash"}])
    >>> 0 <= prediction.probability <= 1
    True
    >>> [type(each.decision) for each in both]
    [<class 'bool'>, <class 'bool'>]
    >>> prediction.model_version == both[0].model_version == both[1].model_version
    True

For a multiclass task call `client.classify(row, top_k=3)`, for a regression `client.estimate(row)`, or their `_many`
variants. Report a row's outcome later: `client.feedback([Outcome.of(prediction, 2.35)])`.

`AsyncClient` is the same with `async with` and `await`. serving/client/errors.py lists the errors.
"""

from serving.client.client import AsyncClient, Client
from serving.client.errors import (
    AnswerError,
    FieldError,
    GatewayError,
    InvalidRequestError,
    NoAnswerError,
    PredictionError,
    RefusedError,
    TooManyRequestsError,
    UnauthorizedError,
    UnavailableError,
)
from serving.client.messages import (
    Answer,
    ClassPrediction,
    ClassProbability,
    Feedback,
    Outcome,
    Prediction,
    RefusedOutcome,
    ValueInterval,
    ValuePrediction,
)
from serving.client.protocol import Patience, Row
from serving.tls.client import ClientFiles
from serving.tls.errors import TlsError

__all__ = [
    "Answer",
    "AnswerError",
    "AsyncClient",
    "ClassPrediction",
    "ClassProbability",
    "Client",
    "ClientFiles",
    "Feedback",
    "FieldError",
    "GatewayError",
    "InvalidRequestError",
    "NoAnswerError",
    "Outcome",
    "Patience",
    "Prediction",
    "PredictionError",
    "RefusedError",
    "RefusedOutcome",
    "Row",
    "TlsError",
    "TooManyRequestsError",
    "UnauthorizedError",
    "UnavailableError",
    "ValueInterval",
    "ValuePrediction",
]
