"""The shared part of both clients: make requests, read answers, and retry."""

import dataclasses
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx
import tenacity

from serving.client.errors import AnswerError, NoAnswerError, RefusedError, refused
from serving.client.messages import Answer, Feedback, RefusedOutcome
from serving.tls.client import ClientFiles, client_tls
from serving.tls.errors import TlsError

Row = Mapping[str, int | float | str | None]  # None or absent: missing
Query = Mapping[str, int]
AnyAnswer = TypeVar("AnyAnswer", bound=Answer)
Parse = Callable[[Mapping[str, Any], Mapping[str, Any]], AnyAnswer]  # of one row; see serving.client.parsing

_RETRIED = (429, 503)  # HTTP status; a retry of other errors would fail again, or the gateway has already retried
# Failed or broken connections. A prediction changes nothing, so it may be repeated. Time-outs of answers are not
# retried: the model is overloaded, and a retry would add load.
_BROKEN = (httpx.NetworkError, httpx.ConnectTimeout, httpx.RemoteProtocolError)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Patience:
    """Time-outs and retries."""

    connect_s: float = 2.0  # seconds for a connection
    answer_s: float = 10.0  # seconds for an answer once connected; the gateway itself gives up after 5
    total_s: float = 30.0  # no retry begins later, in seconds after the first try
    attempts: int = 5  # tries of one request
    backoff_s: float = 0.1  # seconds before the second try; doubles each time, plus as much at random
    most_backoff_s: float = 5.0  # seconds; a longer Retry-After of the gateway takes precedence

    def __post_init__(self) -> None:
        """Check the values; raise ValueError for a value that is out of its range."""
        for name in ("connect_s", "answer_s", "total_s", "backoff_s", "most_backoff_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected more than 0 seconds, received {getattr(self, name)}")
        if self.attempts < 1:
            raise ValueError(f"attempts: expected at least 1, received {self.attempts}")


class ClientProtocol:
    """Requests and answers of one task on one gateway.

    Args:
        url: see `Client`.
        endpoint: see `Client`.
        api_key: see `Client`.
        patience: see `Client`.
        tls: see `Client`.

    Raises:
        TlsError: See `Client`.
    """

    def __init__(
        self, url: str, endpoint: str, api_key: str | None, patience: Patience, tls: ClientFiles | None
    ) -> None:
        if tls and not url.lower().startswith("https://"):
            raise TlsError(
                f"tls: expected a URL that begins with https://, received {url}; change it, or leave tls out."
            )
        self.path, self.feedback_path = f"/v1/{endpoint}", f"/v1/{endpoint}/feedback"
        self.connection: dict[str, Any] = {
            "base_url": url,
            "headers": {"Accept": "application/json"} | ({"X-API-Key": api_key} if api_key else {}),
            "timeout": httpx.Timeout(patience.answer_s, connect=patience.connect_s),
            "verify": client_tls(tls).value.context if tls else True,
        }
        self.extensions = tls.extensions if tls else {}
        self.retrying: dict[str, Any] = {
            "retry": tenacity.retry_if_exception(_may_pass),
            "stop": tenacity.stop_after_attempt(patience.attempts) | tenacity.stop_before_delay(patience.total_s),
            "wait": _wait(patience),
            "reraise": True,
        }

    def request(self, rows: list[Row], request_id: str | None) -> tuple[bytes, dict[str, str]]:
        """Make the body and headers of a request.

        Args:
            rows: of the request.
            request_id: None for a random one.

        Returns:
            Body and headers.

        Raises:
            ValueError: A value that JSON does not have, such as NaN.
            TypeError: A value of a type that JSON does not have.
        """
        try:
            body = json.dumps([dict(row) for row in rows], allow_nan=False).encode()
        except (ValueError, TypeError) as error:
            raise type(error)(
                f"rows: expected mappings of names to int, finite float, str or None, received another value: {error}"
            ) from error
        return body, {"Content-Type": "application/json", "X-Request-ID": request_id or uuid.uuid4().hex}

    def read(self, response: httpx.Response, rows: int, request_id: str, parse: Parse[AnyAnswer]) -> list[AnyAnswer]:
        """Read the predictions in an answer.

        Args:
            response: the answer.
            rows: the number of rows that were sent.
            request_id: as sent.
            parse: parses one row's part.

        Returns:
            A prediction for each row.

        Raises:
            RefusedError: The answer is an error.
            AnswerError: The answer is not a gateway's, or of another kind of task.
        """  # noqa: DOC501 - `refused` returns a RefusedError
        if response.status_code != httpx.codes.OK:
            raise refused(response, request_id)
        try:
            answer = response.json()
            common = {
                "model_version": str(answer["model_version"]),
                "model_label": answer.get("model_label"),
                "request_id": str(answer.get("request_id", request_id)),
            }
            predictions = [parse(each, common | {"row": row}) for row, each in enumerate(answer["predictions"])]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise AnswerError(
                f"{response.url} answered 200, but not as a gateway: expected predictions, received "
                f"{response.text[:200]!r}; check the gateway's URL, and call the method for its kind of task (predict, "
                "classify, estimate)",
                request_id=request_id,
            ) from error
        if len(predictions) != rows:
            raise AnswerError(
                f"{response.url}: expected {rows} predictions, one for each row, received {len(predictions)}",
                request_id=request_id,
            )
        return predictions

    def read_feedback(self, response: httpx.Response, request_id: str) -> Feedback:
        """Read an answer to outcomes.

        Args:
            response: the answer.
            request_id: as sent.

        Returns:
            The stored and refused outcomes.

        Raises:
            RefusedError: The answer is an error.
            AnswerError: The answer is not a gateway's.
        """  # noqa: DOC501 - `refused` returns a RefusedError
        if response.status_code != httpx.codes.OK:
            raise refused(response, request_id)
        try:
            answer = response.json()
            return Feedback(
                stored=int(answer["stored"]),
                refused=tuple(
                    RefusedOutcome(position=int(each["position"]), code=str(each["code"]), detail=str(each["detail"]))
                    for each in answer["refused"]
                ),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise AnswerError(
                f"{response.url} answered 200, but not as a gateway: expected the number of stored outcomes, received "
                f"{response.text[:200]!r}; check the gateway's URL",
                request_id=request_id,
            ) from error

    def no_answer(self, error: httpx.TransportError, request_id: str) -> NoAnswerError:
        """Return the exception for a request without an answer."""
        url = str(error.request.url)
        what = "no answer in time" if isinstance(error, httpx.TimeoutException) else "no answer"
        return NoAnswerError(
            f"{url}: {what}: {type(error).__name__} {error}; check that a gateway runs there", request_id=request_id
        )


def _may_pass(error: BaseException) -> bool:
    """Return whether to retry."""
    if isinstance(error, RefusedError):
        return error.status in _RETRIED
    return isinstance(error, NoAnswerError) and isinstance(error.__cause__, _BROKEN)


def _wait(patience: Patience) -> tenacity.wait.WaitBaseT:
    """Return the wait before the next try: exponential with jitter, plus the gateway's Retry-After."""
    growing = tenacity.wait_exponential_jitter(
        initial=patience.backoff_s, max=patience.most_backoff_s, jitter=patience.backoff_s
    )

    def seconds(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = (error.retry_after_s or 0.0) if isinstance(error, RefusedError) else 0.0
        return asked + growing(state)

    return seconds
