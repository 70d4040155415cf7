"""What can go wrong when a gateway is asked, as exceptions.

::

    PredictionError
    ├── NoAnswerError          no connection, a broken one, or a time-out
    ├── AnswerError            an answer that is not understood: is this the gateway's address?
    └── RefusedError           the gateway says why there is no prediction
        ├── InvalidRequestError    400, 404, 405, 409, 410, 413, 415, 422: the request is wrong, and will be
        ├── UnauthorizedError      401, 403: no key, or not a valid one
        ├── TooManyRequestsError   429
        ├── UnavailableError       503: no model answers at the moment
        └── GatewayError           500, 502, 504, and whatever else
"""

import dataclasses
import datetime
import email.utils
from collections.abc import Mapping
from typing import Any

import httpx

_TEXT_SHOWN = 200  # characters of an answer that is no problem document


class PredictionError(Exception):
    """There is no prediction.

    Attributes:
        request_id: by which the gateway's log knows the request.
    """

    def __init__(self, message: str, *, request_id: str) -> None:
        super().__init__(f"{message} (request {request_id})")
        self.request_id = request_id


class NoAnswerError(PredictionError):
    """No connection could be made, it broke, or no answer came in time."""


class AnswerError(PredictionError):
    """The answer is no predictions, one for each row."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FieldError:
    """What is wrong with one value of a request."""

    row: int  # from 0
    field: str  # empty for the row as a whole
    expected: str
    received: str


class RefusedError(PredictionError):
    """The gateway answered with an error.

    Attributes:
        status: HTTP status.
        code: what happened, for programs, such as `invalid_rows`; empty when something before the gateway answered.
        detail: what happened, for people.
        errors: what is wrong with which field.
        retry_after_s: seconds until it makes sense to ask again; None when the answer does not say.
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
    """The request is wrong, and would be when asked again."""


class UnauthorizedError(RefusedError):
    """There is no API key in the request, or not a valid one."""


class TooManyRequestsError(RefusedError):
    """More requests than the gateway takes from this client."""


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
    """The exception for an answer that is no success.

    Args:
        response: as a rule problem details (RFC 9457); anything else that a proxy may answer.
        request_id: that was sent; the gateway's own goes before it.
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
    except ValueError:  # A proxy's page.
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
    """Seconds; the header holds them, or a date (RFC 9110). None when it holds neither."""
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
