"""The exceptions of the client.

::

    PredictionError
    ├── NoAnswerError          no connection, a broken connection, or a time-out
    ├── AnswerError            an answer that is not a gateway's: check the URL
    └── RefusedError           the gateway refused the request, with a reason
        ├── InvalidRequestError    400, 404, 405, 409, 410, 413, 415, 422: the request is invalid; do not retry
        ├── UnauthorizedError      401, 403: no API key, or not a valid one
        ├── TooManyRequestsError   429
        ├── UnavailableError       503: no model answers at the moment
        └── GatewayError           500, 502, 504, and any other status
"""

import dataclasses
import datetime
import email.utils
from collections.abc import Mapping
from typing import Any

import httpx

_TEXT_SHOWN = 200  # characters of an answer that is not a problem document


class PredictionError(Exception):
    """There is no prediction.

    Args:
        message: what happened.
        request_id: identifies the request in the gateway's log; an attribute, too.
    """

    def __init__(self, message: str, *, request_id: str) -> None:
        super().__init__(f"{message} (request {request_id})")
        self.request_id = request_id


class NoAnswerError(PredictionError):
    """The connection failed or broke, or the answer did not come in time."""


class AnswerError(PredictionError):
    """The answer does not have one prediction for each row."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FieldError:
    """A fault in one value of a request."""

    row: int  # from 0
    field: str  # empty for the row as a whole
    expected: str
    received: str


class RefusedError(PredictionError):
    """The gateway answered with an error. The arguments are attributes, too.

    Args:
        status: HTTP status.
        code: what happened, for programs, such as `invalid_rows`; empty when a server before the gateway answered.
        detail: what happened, for people.
        request_id: identifies the request in the gateway's log.
        errors: faults in fields.
        retry_after_s: seconds to wait before a retry; None when the answer does not say.
    """

    def __init__(
        self,
        *,
        status: int,
        code: str,
        detail: str,
        request_id: str,
        errors: tuple[FieldError, ...],
        retry_after_s: float | None,
    ) -> None:
        fields = "".join(
            f"; row {error.row}{f', {error.field}' if error.field else ''}: expected {error.expected}, "
            f"received {error.received}"
            for error in errors
        )
        super().__init__(f"{status} {code or 'without a code'}: {detail}{fields}", request_id=request_id)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.retry_after_s = retry_after_s


class InvalidRequestError(RefusedError):
    """The request is invalid. A retry would fail, too."""


class UnauthorizedError(RefusedError):
    """The request has no API key, or not a valid one."""


class TooManyRequestsError(RefusedError):
    """The client is over the gateway's rate limit."""


class UnavailableError(RefusedError):
    """No model answers at the moment."""


class GatewayError(RefusedError):
    """The gateway, or the model behind it, failed."""


_KINDS: dict[int, type[RefusedError]] = {
    400: InvalidRequestError,
    401: UnauthorizedError,
    403: UnauthorizedError,
    404: InvalidRequestError,
    405: InvalidRequestError,
    409: InvalidRequestError,
    410: InvalidRequestError,
    413: InvalidRequestError,
    415: InvalidRequestError,
    422: InvalidRequestError,
    429: TooManyRequestsError,
    503: UnavailableError,
}


def refused(response: httpx.Response, request_id: str) -> RefusedError:
    """Return the exception for an error answer.

    Args:
        response: usually problem details (RFC 9457), or any other answer of a proxy.
        request_id: as sent; the answer's own takes precedence.

    Returns:
        The exception for its status.
    """
    problem = _problem(response)
    return _KINDS.get(response.status_code, GatewayError)(
        status=response.status_code,
        code=str(problem.get("code", "")),
        detail=str(problem.get("detail") or response.text[:_TEXT_SHOWN] or response.reason_phrase),
        request_id=str(problem.get("request_id") or request_id),
        errors=tuple(_field_error(error) for error in problem.get("errors", []) if isinstance(error, dict)),
        retry_after_s=_retry_after(response.headers.get("Retry-After")),
    )


def _problem(response: httpx.Response) -> Mapping[str, Any]:
    try:
        content = response.json()
    except ValueError:  # a proxy's page
        return {}
    return content if isinstance(content, dict) else {}


def _field_error(error: Mapping[str, Any]) -> FieldError:
    return FieldError(
        row=int(error.get("row", 0)),
        field=str(error.get("field", "")),
        expected=str(error.get("expected", "")),
        received=str(error.get("received", "")),
    )


def _retry_after(header: str | None) -> float | None:
    """Return seconds from a header with seconds or a date (RFC 9110); None for any other."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        date = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=datetime.UTC)
    return max(0.0, (date - datetime.datetime.now(datetime.UTC)).total_seconds())
