"""Requests that the log has accepted and that no finished file holds yet."""

import collections
import dataclasses
import datetime
import threading
from collections.abc import Iterable, Sequence

from serving.contract.missing_values import in_float32
from serving.request_log.encoding import LoggedRequest


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoggedRow:
    """One row of a logged request, without its features."""

    request_id: str  # as in the log: a hash if the log hashes it
    row: int  # the row of the request, from 0
    time: datetime.datetime  # the request's arrival, with its time zone
    status: int  # HTTP status of the answer
    caller: str | None  # as returned by caller_digest; None if the gateway needed no key
    # version that answered, or was asked and failed; None if none was chosen, or the log dropped it
    version: int | None
    # Probability, probabilities or value, as float32; None if no model answered, or the log dropped it.
    answer: float | tuple[float, ...] | None


def read_answer(answer: float | Sequence[float] | None) -> float | tuple[float, ...] | None:
    """Convert a probability, probabilities or a value to float32, as in the log's files; None stays None."""
    if answer is None:
        return None
    return tuple(map(in_float32, answer)) if isinstance(answer, Sequence) else in_float32(answer)


class PendingRequests:
    """Requests by their ids. Thread-safe."""

    def __init__(self) -> None:
        self._requests: dict[str, collections.deque[list[LoggedRow]]] = {}
        self._lock = threading.Lock()

    def add(self, request: LoggedRequest) -> None:
        """Add a request that the log accepted."""
        rows = [
            LoggedRow(
                request_id=request.request_id,
                row=row,
                time=request.time,
                status=request.status,
                caller=request.caller,
                version=request.model_version,
                answer=read_answer(answer),
            )
            for row, answer in enumerate(request.probabilities if request.values is None else request.values)
        ]
        with self._lock:
            self._requests.setdefault(request.request_id, collections.deque()).append(rows)

    def remove(self, request_ids: Iterable[str]) -> None:
        """Remove the oldest request of each id."""
        with self._lock:
            for request_id in request_ids:
                same = self._requests[request_id]
                same.popleft()
                if not same:
                    del self._requests[request_id]

    def find(self, request_ids: Iterable[str]) -> list[LoggedRow]:
        """Return the rows of the requests with these ids, which are unhashed."""
        with self._lock:
            return [row for request_id in request_ids for rows in self._requests.get(request_id, ()) for row in rows]
