"""POST /v1/<endpoint>: from a request's body to its answer."""

import time

import pydantic
import pydantic_core
import structlog
from starlette.requests import Request
from starlette.responses import Response

from serving.contract import Row
from serving.gateway.admission import Admission
from serving.gateway.body import read_json
from serving.gateway.metrics import GatewayMetrics
from serving.gateway.model_errors import ModelError
from serving.gateway.predictor import Predictions, Predictor
from serving.gateway.problems import ProblemError
from serving.gateway.row_validator import RowValidator
from serving.gateway.settings import GatewaySettings
from serving.gateway.traffic_split import TrafficSplit
from serving.request_log.encoding import caller_digest
from serving.request_log.writer import RequestLog

_log = structlog.get_logger(__name__)

_DETAILS = {
    502: ("bad_model_answer", "The model server's answer could not be used; the gateway's log says why."),
    503: ("no_model", "No model answers at the moment; try again in {retry_after} s."),
    504: ("model_timeout", "The model did not answer in time."),
}


def describe_model_error(error: ModelError, retry_after_seconds: int) -> ProblemError:
    """Describe to a client that the model gave no answer; the log says why."""
    code, detail = _DETAILS[error.status]
    retry_after = str(retry_after_seconds)
    headers = {"Retry-After": retry_after} if error.status == 503 else {}
    return ProblemError(error.status, code, detail.format(retry_after=retry_after), headers=headers)


class RowPrediction(pydantic.BaseModel):
    """The answer for one row."""

    probability: float = pydantic.Field(ge=0, le=1, examples=[0.73])
    decision: bool = pydantic.Field(examples=[True])


class PredictionResponse(pydantic.BaseModel):
    """The answer to a request."""

    # "model_" is a prefix that pydantic keeps for itself unless told otherwise.
    model_config = pydantic.ConfigDict(protected_namespaces=())

    predictions: list[RowPrediction] = pydantic.Field(description="One for each row, in the order of the request.")
    model_version: str = pydantic.Field(description="The version that answered.", examples=["1795253025"])
    model_label: str | None = pydantic.Field(
        description="The label by which the version was chosen; null on a model server without labels.",
        examples=["stable"],
    )
    request_id: str = pydantic.Field(description="The X-Request-ID of the answer, by which the log knows it.")


class PredictionEndpoint:
    """Answers requests for predictions."""

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        rows: RowValidator,
        admission: Admission,
        traffic: TrafficSplit,
        predictor: Predictor,
        metrics: GatewayMetrics,
        request_log: RequestLog | None,
    ):
        self._settings = settings
        self._rows = rows
        self._admission = admission
        self._traffic = traffic
        self._predictor = predictor
        self._metrics = metrics
        self._request_log = request_log

    async def answer(self, request: Request) -> Response:
        """Answers one request.

        Raises:
            ProblemError: There is no prediction.
        """
        log_fields = request.state.log_fields
        name = self._admission.admit(request)
        caller = None if name is None else caller_digest(name)
        rows = self._rows.check(await read_json(request, self._settings.limits))
        log_fields["rows"] = len(rows)
        try:
            found = await self._predictor.predict(self._rows.contract.inputs(rows), self._traffic.canary())
        except ModelError as error:
            log_fields["model_error"] = str(error)
            self._note(request, rows, None, [], error.status, caller)
            # Raised as it is made: a name for it would be a cycle with this frame, which has the rows.
            raise describe_model_error(error, self._settings.model.retry_after_seconds) from error
        decisions = [probability >= self._settings.threshold for probability in found.probabilities]
        log_fields.update(
            model_version=found.target.version,
            label=found.target.label,
            tries=found.tries,
            model_milliseconds=round(found.seconds * 1000, 3),
        )
        self._count(found, decisions)
        self._note(request, rows, found, decisions, 200, caller)
        return self._response(request.state.request_id, found, decisions)

    def _count(self, found: Predictions, decisions: list[bool]) -> None:
        for decision in (True, False):
            if count := decisions.count(decision):
                names = (found.target.version, found.target.label or "", str(decision).lower())
                self._metrics.predictions.labels(*names).inc(count)

    def _note(
        self,
        request: Request,
        rows: list[Row],
        found: Predictions | None,
        decisions: list[bool],
        status: int,
        caller: str | None,
    ) -> None:
        if self._request_log is None:
            return
        self._request_log.offer(
            request_id=request.state.request_id,
            rows=rows,
            probabilities=found.probabilities if found else None,
            decisions=decisions if found else None,
            model_version=int(found.target.version) if found else None,
            model_label=found.target.label if found else None,
            status=status,
            latency_ms=(time.perf_counter() - request.state.began) * 1000,
            caller=caller,
        )

    def _response(self, request_id: str, found: Predictions, decisions: list[bool]) -> Response:
        pairs = zip(found.probabilities, decisions, strict=True)
        content = {
            "predictions": [{"probability": probability, "decision": decision} for probability, decision in pairs],
            "model_version": found.target.version,
            "model_label": found.target.label,
            "request_id": request_id,
        }
        # Server-Timing is what browsers show beside the request, and what the page shows.
        headers = {"Server-Timing": f"model;dur={found.seconds * 1000:.1f}"}
        return Response(pydantic_core.to_json(content), headers=headers, media_type="application/json")
