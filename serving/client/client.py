"""The clients with and without asyncio, and what both share: requests, answers, retries."""

import dataclasses
import json
import uuid
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import httpx
import tenacity

from serving.client.errors import AnswerError, NoAnswerError, RefusedError, refused
from serving.client.messages import Feedback, Outcome, Prediction, RefusedOutcome
from serving.tls.client import ClientFiles, client_tls
from serving.tls.errors import TlsError

Row = Mapping[str, int | float | str | None]  # None, or a name left out: missing

_RETRIED = (429, 503)  # HTTP status; what else fails would fail again, or has been tried again by the gateway
# The connection was not made or broke. A prediction changes nothing, so it may be asked for twice. A time-out of the
# answer is not among them: the model has more to do than it can, and would have more.
_BROKEN = (httpx.NetworkError, httpx.ConnectTimeout, httpx.RemoteProtocolError)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait, and how often to ask."""

    connect_s: float = 2.0  # seconds for a connection
    answer_s: float = 10.0  # seconds for an answer once connected; the gateway itself gives up after 5
    total_s: float = 30.0  # no try begins later than this, in seconds after the first
    attempts: int = 5  # tries of one request
    backoff_s: float = 0.1  # seconds before the second try; doubles with each, plus up to as much at random
    most_backoff_s: float = 5.0  # seconds; a longer Retry-After of the gateway is obeyed

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot be waited."""
        for name in ("connect_s", "answer_s", "total_s", "backoff_s", "most_backoff_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected more than 0 seconds, received {getattr(self, name)}")
        if self.attempts < 1:
            raise ValueError(f"attempts: expected at least 1, received {self.attempts}")


class _Protocol:
    """What both clients share: how a request is made, an answer read, and a fault waited out."""

    def __init__(
        self, url: str, endpoint: str, api_key: str | None, patience: Patience, tls: ClientFiles | None
    ) -> None:
        if tls and not url.lower().startswith("https://"):
            raise TlsError(
                f"tls: expected a URL that begins with https://, received {url}; change it, or leave tls out."
            )
        self.path, self.feedback_path = f"/v1/{endpoint}", "/v1/feedback"
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
        """Body and headers of a request.

        Raises:
            ValueError, TypeError: A value that JSON does not have.
        """
        try:
            body = json.dumps([dict(row) for row in rows], allow_nan=False).encode()
        except (ValueError, TypeError) as error:
            raise type(error)(
                f"rows: expected mappings of names to int, finite float, str or None, received another value: {error}"
            ) from error
        return body, {"Content-Type": "application/json", "X-Request-ID": request_id or uuid.uuid4().hex}

    def read(self, response: httpx.Response, rows: int, request_id: str) -> list[Prediction]:
        """The predictions in an answer.

        Raises:
            RefusedError: It is an error.
            AnswerError: It is something else.
        """
        if response.status_code != httpx.codes.OK:
            raise refused(response, request_id)
        try:
            answer = response.json()
            predictions = [
                Prediction(
                    probability=float(each["probability"]),
                    decision=each["decision"],
                    model_version=str(answer["model_version"]),
                    model_label=answer.get("model_label"),
                    request_id=str(answer.get("request_id", request_id)),
                    row=row,
                )
                for row, each in enumerate(answer["predictions"])
            ]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise AnswerError(
                f"{response.url} answered 200, but not as a gateway does: expected predictions, received "
                f"{response.text[:200]!r}; is this its address?",
                request_id=request_id,
            ) from error
        if len(predictions) != rows:
            raise AnswerError(
                f"{response.url}: expected {rows} predictions, one for each row, received {len(predictions)}",
                request_id=request_id,
            )
        return predictions

    def read_feedback(self, response: httpx.Response, request_id: str) -> Feedback:
        """What an answer says of outcomes.

        Raises:
            RefusedError: It is an error.
            AnswerError: It is something else.
        """
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
                f"{response.url} answered 200, but not as a gateway does: expected what was stored, received "
                f"{response.text[:200]!r}; is this its address?",
                request_id=request_id,
            ) from error

    def no_answer(self, error: httpx.TransportError, request_id: str) -> NoAnswerError:
        """The exception for a request without an answer."""
        url = str(error.request.url)
        what = "no answer in time" if isinstance(error, httpx.TimeoutException) else "no answer"
        return NoAnswerError(
            f"{url}: {what}: {type(error).__name__} {error}; does a gateway run there?", request_id=request_id
        )


class Client:
    """Asks a gateway; safe to use from several threads. Close it, or use it in a `with`.

    Args:
        url: where the gateway is, such as `http://127.0.0.1:8080`.
        endpoint: what is predicted: the name after /v1/.
        api_key: where the gateway wants one.
        patience: how long to wait, and how often to ask.
        tls: whom an https:// gateway must have its certificate from, and the client's own; None: as this system trusts.

    Raises:
        TlsError: A certificate or a key cannot be used, or the URL is none of TLS.
    """

    def __init__(
        self,
        url: str,
        *,
        endpoint: str,
        api_key: str | None = None,
        patience: Patience | None = None,
        tls: ClientFiles | None = None,
    ) -> None:
        self._protocol = _Protocol(url, endpoint, api_key, patience or Patience(), tls)
        self._http = httpx.Client(**self._protocol.connection)

    def predict(self, row: Row, *, request_id: str | None = None) -> Prediction:
        """The prediction for one row; raises what `predict_many` raises."""
        return self.predict_many([row], request_id=request_id)[0]

    def predict_many(self, rows: Iterable[Row], *, request_id: str | None = None) -> list[Prediction]:
        """The predictions for rows, in their order, all by one version of the model.

        Args:
            rows: what the contract asks for; a missing value is None or left out.
            request_id: letters, digits and ._- by which the gateway's logs shall know it; None for a random one.

        Raises:
            ValueError, TypeError: A value that JSON does not have, such as NaN.
            PredictionError: See serving/client/errors.py. What may pass by itself has been tried again before: a
                connection that fails, too many requests, no model.
        """
        rows = list(rows)
        body, headers = self._protocol.request(rows, request_id)

        def ask() -> list[Prediction]:
            try:
                response = self._http.post(
                    self._protocol.path, content=body, headers=headers, extensions=self._protocol.extensions
                )
            except httpx.TransportError as error:
                raise self._protocol.no_answer(error, headers["X-Request-ID"]) from error
            return self._protocol.read(response, len(rows), headers["X-Request-ID"])

        return tenacity.Retrying(**self._protocol.retrying)(ask)

    def feedback(self, outcomes: Iterable[Outcome]) -> Feedback:
        """Tells what became of rows; returns once what is stored is on disk.

        A try after a broken connection may find that the try before it has stored everything: the outcomes are then
        refused with the code duplicate_outcome.

        Raises:
            ValueError, TypeError: A value that JSON does not have, such as NaN.
            PredictionError: See serving/client/errors.py; a RefusedError where no outcome was stored.
        """
        body, headers = self._protocol.request([dataclasses.asdict(outcome) for outcome in outcomes], None)

        def ask() -> Feedback:
            try:
                response = self._http.post(
                    self._protocol.feedback_path, content=body, headers=headers, extensions=self._protocol.extensions
                )
            except httpx.TransportError as error:
                raise self._protocol.no_answer(error, headers["X-Request-ID"]) from error
            return self._protocol.read_feedback(response, headers["X-Request-ID"])

        return tenacity.Retrying(**self._protocol.retrying)(ask)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient:
    """As `Client`, for asyncio. Close it, or use it in an `async with`."""

    def __init__(
        self,
        url: str,
        *,
        endpoint: str,
        api_key: str | None = None,
        patience: Patience | None = None,
        tls: ClientFiles | None = None,
    ) -> None:
        self._protocol = _Protocol(url, endpoint, api_key, patience or Patience(), tls)
        self._http = httpx.AsyncClient(**self._protocol.connection)

    async def predict(self, row: Row, *, request_id: str | None = None) -> Prediction:
        """As `Client.predict`."""
        return (await self.predict_many([row], request_id=request_id))[0]

    async def predict_many(self, rows: Iterable[Row], *, request_id: str | None = None) -> list[Prediction]:
        """As `Client.predict_many`."""
        rows = list(rows)
        body, headers = self._protocol.request(rows, request_id)

        async def ask() -> list[Prediction]:
            try:
                response = await self._http.post(
                    self._protocol.path, content=body, headers=headers, extensions=self._protocol.extensions
                )
            except httpx.TransportError as error:
                raise self._protocol.no_answer(error, headers["X-Request-ID"]) from error
            return self._protocol.read(response, len(rows), headers["X-Request-ID"])

        return await tenacity.AsyncRetrying(**self._protocol.retrying)(ask)

    async def feedback(self, outcomes: Iterable[Outcome]) -> Feedback:
        """As `Client.feedback`."""
        body, headers = self._protocol.request([dataclasses.asdict(outcome) for outcome in outcomes], None)

        async def ask() -> Feedback:
            try:
                response = await self._http.post(
                    self._protocol.feedback_path, content=body, headers=headers, extensions=self._protocol.extensions
                )
            except httpx.TransportError as error:
                raise self._protocol.no_answer(error, headers["X-Request-ID"]) from error
            return self._protocol.read_feedback(response, headers["X-Request-ID"])

        return await tenacity.AsyncRetrying(**self._protocol.retrying)(ask)

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


def _may_pass(error: BaseException) -> bool:
    """Whether to ask again."""
    if isinstance(error, RefusedError):
        return error.status in _RETRIED
    return isinstance(error, NoAnswerError) and isinstance(error.__cause__, _BROKEN)


def _wait(patience: Patience) -> tenacity.wait.WaitBaseT:
    """Seconds before the next try: growing, with jitter, and never less than the gateway asks for."""
    growing = tenacity.wait_exponential_jitter(
        initial=patience.backoff_s, max=patience.most_backoff_s, jitter=patience.backoff_s
    )

    def seconds(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = (error.retry_after_s or 0.0) if isinstance(error, RefusedError) else 0.0
        return asked + growing(state)

    return seconds
