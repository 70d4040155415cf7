"""The clients with and without asyncio."""

import dataclasses
from collections.abc import Iterable
from types import TracebackType
from typing import Self

import httpx
import tenacity

from serving.client.messages import ClassPrediction, Feedback, Outcome, Prediction, ValuePrediction
from serving.client.parsing import parse_class, parse_prediction, parse_value
from serving.client.protocol import AnyAnswer, ClientProtocol, Parse, Patience, Query, Row
from serving.tls.client import ClientFiles


class Client:
    """Client of a gateway. Thread-safe. Close it, or use it in a `with`.

    Args:
        url: the gateway's URL, such as `http://127.0.0.1:8080`.
        endpoint: the task's name after /v1/.
        api_key: if the gateway requires one.
        patience: time-outs and retries.
        tls: the CA of an https:// gateway, and the client's certificate; None trusts what this system trusts.

    Raises:
        TlsError: A certificate or a key cannot be used, or the URL does not begin with https://.
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
        self._protocol = ClientProtocol(url, endpoint, api_key, patience or Patience(), tls)
        self._http = httpx.Client(**self._protocol.connection)

    def predict(self, row: Row, *, request_id: str | None = None) -> Prediction:
        """Predict one row of a binary task; raise what `predict_many` raises."""
        return self.predict_many([row], request_id=request_id)[0]

    def predict_many(self, rows: Iterable[Row], *, request_id: str | None = None) -> list[Prediction]:
        """Predict rows of a binary task, all by one version of the model.

        Args:
            rows: mappings of the contract's features; a missing value is None or left out.
            request_id: letters, digits and ._- that identify the request in the gateway's logs; None for a random one.

        Returns:
            A prediction for each row, in order.

        Raises:
            ValueError: A value that JSON does not have, such as NaN.
            TypeError: A value of a type that JSON does not have.
            PredictionError: See serving/client/errors.py. Transient errors were retried before: a failed connection,
                too many requests, no model.
        """
        return self._ask(rows, request_id, parse_prediction)

    def classify(self, row: Row, *, top_k: int | None = None, request_id: str | None = None) -> ClassPrediction:
        """Classify one row of a multiclass task; raise what `predict_many` raises."""
        return self.classify_many([row], top_k=top_k, request_id=request_id)[0]

    def classify_many(
        self, rows: Iterable[Row], *, top_k: int | None = None, request_id: str | None = None
    ) -> list[ClassPrediction]:
        """Classify rows of a multiclass task; raise what `predict_many` raises.

        Args:
            rows: see `predict_many`.
            top_k: the number of classes in each answer, the most probable first; None for all.
            request_id: see `predict_many`.

        Returns:
            An answer for each row, in order.
        """
        return self._ask(rows, request_id, parse_class, _top_k(top_k))

    def estimate(self, row: Row, *, request_id: str | None = None) -> ValuePrediction:
        """Predict the value of one row of a regression; raise what `predict_many` raises."""
        return self.estimate_many([row], request_id=request_id)[0]

    def estimate_many(self, rows: Iterable[Row], *, request_id: str | None = None) -> list[ValuePrediction]:
        """Predict the values of rows of a regression; see `predict_many`."""
        return self._ask(rows, request_id, parse_value)

    def _ask(
        self, given: Iterable[Row], request_id: str | None, parse: Parse[AnyAnswer], query: Query | None = None
    ) -> list[AnyAnswer]:
        rows = list(given)
        body, headers = self._protocol.request(rows, request_id)

        def ask() -> list[AnyAnswer]:
            try:
                response = self._http.post(
                    self._protocol.path,
                    content=body,
                    headers=headers,
                    params=query,
                    extensions=self._protocol.extensions,
                )
            except httpx.TransportError as error:
                raise self._protocol.no_answer(error, headers["X-Request-ID"]) from error
            return self._protocol.read(response, len(rows), headers["X-Request-ID"], parse)

        return tenacity.Retrying(**self._protocol.retrying)(ask)

    def feedback(self, outcomes: Iterable[Outcome]) -> Feedback:
        """Report outcomes of predicted rows; return once the stored ones are on disk.

        After a broken connection, the first try may have stored everything. A retry is then refused with the code
        duplicate_outcome.

        Args:
            outcomes: at least one.

        Returns:
            The number of stored outcomes, and the refused ones.

        Raises:
            ValueError: A value that JSON does not have, such as NaN.
            TypeError: A value of a type that JSON does not have.
            PredictionError: See serving/client/errors.py; a RefusedError if no outcome was stored.
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
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient:
    """`Client` for asyncio. Close it, or use it in an `async with`."""

    def __init__(
        self,
        url: str,
        *,
        endpoint: str,
        api_key: str | None = None,
        patience: Patience | None = None,
        tls: ClientFiles | None = None,
    ) -> None:
        self._protocol = ClientProtocol(url, endpoint, api_key, patience or Patience(), tls)
        self._http = httpx.AsyncClient(**self._protocol.connection)

    async def predict(self, row: Row, *, request_id: str | None = None) -> Prediction:
        """Predict one row; see `Client.predict`."""
        return (await self.predict_many([row], request_id=request_id))[0]

    async def predict_many(self, rows: Iterable[Row], *, request_id: str | None = None) -> list[Prediction]:
        """Predict rows; see `Client.predict_many`."""
        return await self._ask(rows, request_id, parse_prediction)

    async def classify(self, row: Row, *, top_k: int | None = None, request_id: str | None = None) -> ClassPrediction:
        """Classify one row; see `Client.classify`."""
        return (await self.classify_many([row], top_k=top_k, request_id=request_id))[0]

    async def classify_many(
        self, rows: Iterable[Row], *, top_k: int | None = None, request_id: str | None = None
    ) -> list[ClassPrediction]:
        """Classify rows; see `Client.classify_many`."""
        return await self._ask(rows, request_id, parse_class, _top_k(top_k))

    async def estimate(self, row: Row, *, request_id: str | None = None) -> ValuePrediction:
        """Predict the value of one row; see `Client.estimate`."""
        return (await self.estimate_many([row], request_id=request_id))[0]

    async def estimate_many(self, rows: Iterable[Row], *, request_id: str | None = None) -> list[ValuePrediction]:
        """Predict the values of rows; see `Client.estimate_many`."""
        return await self._ask(rows, request_id, parse_value)

    async def _ask(
        self, given: Iterable[Row], request_id: str | None, parse: Parse[AnyAnswer], query: Query | None = None
    ) -> list[AnyAnswer]:
        rows = list(given)
        body, headers = self._protocol.request(rows, request_id)

        async def ask() -> list[AnyAnswer]:
            try:
                response = await self._http.post(
                    self._protocol.path,
                    content=body,
                    headers=headers,
                    params=query,
                    extensions=self._protocol.extensions,
                )
            except httpx.TransportError as error:
                raise self._protocol.no_answer(error, headers["X-Request-ID"]) from error
            return self._protocol.read(response, len(rows), headers["X-Request-ID"], parse)

        return await tenacity.AsyncRetrying(**self._protocol.retrying)(ask)

    async def feedback(self, outcomes: Iterable[Outcome]) -> Feedback:
        """Report outcomes; see `Client.feedback`."""
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
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


def _top_k(most: int | None) -> Query | None:
    return None if most is None else {"top_k": most}
