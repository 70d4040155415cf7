"""Answer POST /v1/feedback: store the outcomes of predicted rows."""

import asyncio
from collections.abc import Sequence

import pydantic
import pydantic_core
import structlog
from starlette.requests import Request
from starlette.responses import Response

from serving.contract import Row
from serving.feedback.columns import OUTCOME
from serving.feedback.label import ROW
from serving.feedback.store import FeedbackBusyError, FeedbackStore
from serving.feedback.verdicts import Caller, Outcome, Refusal, RefusedOutcome, Verdict
from serving.gateway.admission import Admission
from serving.gateway.body import read_json
from serving.gateway.metrics import TaskMetrics
from serving.gateway.problems import FieldProblem, ProblemError
from serving.gateway.row_validator import INVALID_ROWS, MOST_ERRORS, RowValidator
from serving.gateway.settings import GatewaySettings
from serving.request_log.columns import REQUEST_ID
from serving.request_log.encoding import caller_digest
from serving.request_log.files_by_id import IdFileError

_log = structlog.get_logger(__name__)

STORED = "stored"  # a value of the counter's label `result`, in addition to the refusals
_STATUS = {
    Refusal.UNKNOWN_REQUEST: 404,
    Refusal.UNKNOWN_ROW: 404,
    Refusal.OTHER_CALLER: 403,
    Refusal.UNANSWERED: 409,
    Refusal.AMBIGUOUS: 409,
    Refusal.DUPLICATE: 409,
    Refusal.CONTRADICTORY: 409,
    Refusal.TOO_LATE: 410,
    Refusal.INVALID: 422,
}


class OutcomeProblem(pydantic.BaseModel):
    """Why an outcome was not stored."""

    position: int = pydantic.Field(description="The position of the outcome in the request, from 0.", examples=[0])
    code: str = pydantic.Field(description="The reason, for programs.", examples=[Refusal.DUPLICATE.value])
    detail: str = pydantic.Field(description="The reason, for people.")


class FeedbackResponse(pydantic.BaseModel):
    """The answer to outcomes of which at least one was stored; stored outcomes are on disk."""

    stored: int = pydantic.Field(description="Outcomes that were stored.", examples=[1])
    refused: list[OutcomeProblem] = pydantic.Field(description="Outcomes that were not stored, in their order.")
    request_id: str = pydantic.Field(description="The X-Request-ID of this answer, by which the log knows it.")


class FeedbackEndpoint:
    """Accept outcomes.

    Args:
        settings: of the task.
        rows: checks outcomes against the label.
        admission: checks keys and rates.
        store: checks outcomes against the request log, and stores them.
        metrics: counts outcomes.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        rows: RowValidator,
        admission: Admission,
        store: FeedbackStore,
        metrics: TaskMetrics,
    ):
        assert settings.feedback is not None
        self.rows = rows
        self._settings = settings
        self._trusted = frozenset(settings.feedback.trusted)
        self._admission = admission
        self._store = store
        self._counter = metrics.feedback
        for result in (STORED, *(refusal.value for refusal in Refusal)):
            self._counter.labels(result)  # starts at 0: an alert on an increase needs a first value

    async def answer(self, request: Request) -> Response:
        """Answer one request.

        Args:
            request: the whole request.

        Returns:
            The stored and the refused outcomes as JSON.

        Raises:
            ProblemError: No outcome was stored.
        """  # noqa: DOC501 - `_problem` returns a ProblemError
        name = await self._admission.admit(request)
        caller = Caller(digest=None if name is None else caller_digest(name), trusted=name in self._trusted)
        sent = await read_json(request, self._settings.limits)
        try:
            rows = self.rows.check(sent)
        except ProblemError as error:
            if error.code == INVALID_ROWS:  # the counter covers all of them; the answer names the first ones
                self._counter.labels(Refusal.INVALID.value).inc(self.rows.faulty(sent))
            raise
        verdict = await self._judge([_outcome(row) for row in rows], caller)
        self._count(verdict)
        request.state.log_fields.update(outcomes=len(rows), stored=verdict.stored)
        if not verdict.stored:
            raise _problem(verdict.refused)
        content = FeedbackResponse(
            stored=verdict.stored,
            refused=[
                OutcomeProblem(position=each.position, code=each.refusal.value, detail=each.detail)
                for each in verdict.refused
            ],
            request_id=request.state.request_id,
        )
        return Response(pydantic_core.to_json(content), media_type="application/json")

    def close(self) -> None:
        """Store the accepted outcomes, and stop."""
        self._store.close()

    async def _judge(self, outcomes: list[Outcome], caller: Caller) -> Verdict:
        retry_after = {"Retry-After": str(self._settings.model.retry_after_seconds)}
        try:
            return await asyncio.wrap_future(self._store.submit(outcomes, caller))
        except FeedbackBusyError as error:
            raise ProblemError(503, "feedback_busy", str(error), headers=retry_after) from error
        except (OSError, IdFileError) as error:
            _log.exception("feedback_failed", error=str(error))
            raise ProblemError(
                503, "feedback_not_stored", "Nothing was stored; the gateway's log says why.", headers=retry_after
            ) from error

    def _count(self, verdict: Verdict) -> None:
        self._counter.labels(STORED).inc(verdict.stored)
        for refused in verdict.refused:
            self._counter.labels(refused.refusal.value).inc()


def _outcome(row: Row) -> Outcome:
    value, position = row[OUTCOME], row.get(ROW)
    assert value is not None  # The contract of outcomes requires it.
    return Outcome(request_id=str(row[REQUEST_ID]), row=int(position or 0), value=value)


def _problem(refused: Sequence[RefusedOutcome]) -> ProblemError:
    """Return the answer when nothing was stored: for one reason, or for several."""
    reasons = {each.refusal for each in refused}
    reason = refused[0].refusal
    status, code = (_STATUS[reason], reason.value) if len(reasons) == 1 else (422, "refused_outcomes")
    more = f" ({len(refused) - 1} more)" if len(refused) > 1 else ""
    errors = [
        FieldProblem(row=each.position, field=each.field, expected=each.expected, received=each.received)
        for each in refused[:MOST_ERRORS]
    ]
    return ProblemError(status, code, f"outcome {refused[0].position}, {refused[0].detail}{more}.", errors=errors)
