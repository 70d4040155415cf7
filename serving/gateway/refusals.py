"""Answer, log and count connections that the HTTP bounds refuse."""

import secrets

import structlog

from serving.gateway import problems
from serving.gateway.metrics import GatewayMetrics
from serving.http_bounds.protocol import AnswerRefusal, Refusal, RefusalAnswer

ROUTE = "refused"  # label in the metrics; these requests reach no route
_log = structlog.get_logger("serving.gateway.request")


def refusal_answerer(metrics: GatewayMetrics) -> AnswerRefusal:
    """Return the function that `serving.http_bounds` calls for each refusal.

    Args:
        metrics: counts refusals.

    Returns:
        The function.
    """

    def answer_refusal(refusal: Refusal) -> RefusalAnswer:
        request_id = secrets.token_hex(12)
        metrics.requests.labels(ROUTE, str(refusal.status)).inc()
        _log.info("refused", request_id=request_id, client=refusal.client, status=refusal.status, code=refusal.code)
        problem = problems.ProblemError(refusal.status, refusal.code, refusal.detail)
        return RefusalAnswer(problems.MEDIA_TYPE, bytes(problems.answer(problem, request_id).body))

    return answer_refusal
