"""Answer POST /v1/<endpoint>: read the body, predict, and build the answer."""

import collections
import re
import time
from typing import Any

import pydantic_core
import structlog
from starlette.requests import Request
from starlette.responses import Response

from serving.contract import Row, Value
from serving.contract.target import Target
from serving.gateway.admission import Admission
from serving.gateway.answers import Answers
from serving.gateway.body import read_json
from serving.gateway.metrics import ANSWERED, TaskMetrics
from serving.gateway.model_errors import ModelError
from serving.gateway.predictor import Predictions, Predictor
from serving.gateway.problems import ProblemError
from serving.gateway.row_validator import RowValidator
from serving.gateway.settings import GatewaySettings
from serving.gateway.sticky import StickyKey
from serving.gateway.traffic_split import TrafficSplit
from serving.gateway.version_router import RouteTarget
from serving.problem import MULTICLASS, REGRESSION
from serving.request_log.encoding import caller_digest
from serving.request_log.writer import RequestLog
from serving.tracing.tracer import Tracer

TOP_K = "top_k"  # query parameter
_log = structlog.get_logger(__name__)

_DETAILS = {
    502: ("bad_model_answer", "The model server's answer could not be used; the gateway's log says why."),
    503: ("no_model", "No model answers at the moment; try again in {retry_after} s."),
    504: ("model_timeout", "The model did not answer in time."),
}


def describe_model_error(error: ModelError, retry_after_seconds: int) -> ProblemError:
    """Describe to a client that the model did not answer; the log has the reason.

    Args:
        error: why the model did not answer.
        retry_after_seconds: the wait that a 503 asks for.

    Returns:
        The problem to raise.
    """
    code, detail = _DETAILS[error.status]
    retry_after = str(retry_after_seconds)
    headers = {"Retry-After": retry_after} if error.status == 503 else {}
    return ProblemError(error.status, code, detail.format(retry_after=retry_after), headers=headers)


class PredictionEndpoint:
    """Answer requests for predictions."""

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        target: Target,
        answers: Answers,
        rows: RowValidator,
        admission: Admission,
        traffic: TrafficSplit,
        sticky: StickyKey | None,
        predictor: Predictor,
        metrics: TaskMetrics,
        request_log: RequestLog | None,
        tracer: Tracer,
    ):
        self._settings = settings
        self._target = target
        self._answers = answers
        self._rows = rows
        self._admission = admission
        self._traffic = traffic
        self._sticky = sticky
        self._predictor = predictor
        self._metrics = metrics
        self._request_log = request_log
        self._tracer = tracer

    async def answer(self, request: Request) -> Response:
        """Answer one request.

        Args:
            request: the whole request.

        Returns:
            The predictions as JSON.

        Raises:
            ProblemError: There is no prediction.
        """
        caller = await self.admit(request)
        most = self._read_top_k(request)
        with self._tracer.span("validation"):
            rows = self._rows.check(await read_json(request, self._settings.limits))
        content, headers = await self.predict(request, rows, caller, most)
        return Response(pydantic_core.to_json(content), headers=headers, media_type="application/json")

    async def admit(self, request: Request) -> str | None:
        """Check the key and the rate of a request.

        Args:
            request: its headers hold the key.

        Returns:
            The digest of the key's name; None if no key is needed.

        Raises:
            ProblemError: As `Admission.admit`.
        """
        name = await self._admission.admit(request)
        return None if name is None else caller_digest(name)

    async def predict(
        self, request: Request, rows: list[Row], caller: str | None, most: int | None = None
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Predict checked rows, count them and log them.

        Args:
            request: the rows' request.
            rows: in the order of the answer.
            caller: as returned by `admit`.
            most: the number of classes in the answer; None means all.

        Returns:
            The answer as a JSON object (`serving.gateway.responses`), and its headers.

        Raises:
            ProblemError: There is no prediction.
        """  # noqa: DOC501 - `describe_model_error` returns a ProblemError
        log_fields = request.state.log_fields
        log_fields["rows"] = len(rows)
        try:
            found = await self._predictor.predict(self._rows.contract.inputs(rows), self._is_for_canary(request, rows))
        except ModelError as error:
            log_fields.update(model_error=str(error), model_version=error.version, label=error.label)
            self._metrics.answers.labels(error.version or "", error.label or "", error.kind).inc()
            self._note(request, rows, error, [], error.status, caller)
            # Raise the error without naming it: a name would make a cycle with this frame, which holds the rows.
            raise describe_model_error(error, self._settings.model.retry_after_seconds) from error
        decisions = self._answers.decide(found.outputs)
        log_fields.update(
            model_version=found.target.version,
            label=found.target.label,
            tries=found.tries,
            model_milliseconds=round(found.seconds * 1000, 3),
        )
        self._count(found, decisions)
        self._note(request, rows, found, decisions, 200, caller)
        content = {
            "predictions": self._answers.describe(found.outputs, decisions, most, found.interval),
            "model_version": found.target.version,
            "model_label": found.target.label,
            "request_id": request.state.request_id,
        }
        # Browsers show Server-Timing with the request, and so does the page.
        return content, {"Server-Timing": f"model;dur={found.seconds * 1000:.1f}"}

    def _read_top_k(self, request: Request) -> int | None:
        """Return the number of classes that the request asks for; None means all.

        Raises:
            ProblemError: 422, the value is not a number of classes, or the task has none.
        """
        given = request.query_params.getlist(TOP_K)
        if not given:
            return None
        classes = len(self._target.classes)
        if self._target.problem != MULTICLASS:
            detail = f"{TOP_K} is for multiclass tasks only: expected none, received {given[0][:20]!r}; leave it out."
            raise ProblemError(422, "invalid_top_k", detail)
        if len(given) > 1 or not re.fullmatch("[1-9][0-9]{0,8}", given[0]) or int(given[0]) > classes:
            received = ", ".join(repr(each[:20]) for each in given[:3])
            detail = f"{TOP_K}: expected one whole number from 1 to {classes}, received {received}."
            raise ProblemError(422, "invalid_top_k", detail)
        return int(given[0])

    def _count(self, found: Predictions, decisions: list[Value | None]) -> None:
        self._metrics.answers.labels(found.target.version, found.target.label or "", ANSWERED).inc()
        for decision, count in collections.Counter(decisions).items():
            told = str(decision).lower() if isinstance(decision, bool) else "" if decision is None else str(decision)
            self._metrics.predictions.labels(found.target.version, found.target.label or "", told).inc(count)

    def _is_for_canary(self, request: Request, rows: list[Row]) -> bool:
        """Return whether to ask the canary. The first of several rows decides, because one version answers all."""
        caller = self._sticky.value(request.headers, rows[0]) if self._sticky else None
        if self._sticky:
            request.state.log_fields["sticky"] = caller is not None
            self._metrics.sticky.labels(str(caller is not None).lower()).inc()
        return self._traffic.canary(caller)

    def _note(
        self,
        request: Request,
        rows: list[Row],
        found: Predictions | ModelError,
        decisions: list[Value | None],
        status: int,
        caller: str | None,
    ) -> None:
        if self._request_log is None:
            return
        outputs = None if isinstance(found, ModelError) else found.outputs
        asked: ModelError | RouteTarget = found if isinstance(found, ModelError) else found.target
        is_value = self._target.problem == REGRESSION
        with self._tracer.span("request log"):
            self._request_log.offer(
                request_id=request.state.request_id,
                rows=rows,
                probabilities=None if is_value else outputs,
                decisions=None if is_value or outputs is None else decisions,
                values=outputs if is_value else None,
                model_version=None if asked.version is None else int(asked.version),
                model_label=asked.label,
                status=status,
                latency_ms=(time.perf_counter() - request.state.began) * 1000,
                caller=caller,
            )
