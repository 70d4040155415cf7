"""Requests that the log has taken and that no finished file holds yet."""

import collections
import dataclasses
import datetime
import threading
from collections.abc import Iterable, Sequence

from serving.contract.missing_values import in_float32
from serving.request_log.encoding import LoggedRequest


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoggedRow:
    """One row of a logged request, as far as it says who asked what and when."""

    request_id: str  # as the log has it: a hash where the log hashes it
    row: int  # which row of the request, from 0
    time: datetime.datetime  # when the request came, with its time zone
    status: int  # HTTP status of the answer
    caller: str | None  # as caller_digest gives it; None where the gateway wanted no key
    version: int | None  # which answered, or was asked and failed; None where none was chosen, or the log does not tell
    # Probability, probabilities or value, as float32; None where no model answered, or the log does not tell.
    answer: float | tuple[float, ...] | None


def read_answer(answer: float | Sequence[float] | None) -> float | tuple[float, ...] | None:
    """A probability, probabilities or a value as the log's files hold them, in float32; None for none."""
    if answer is None:
        return None
    return tuple(map(in_float32, answer)) if isinstance(answer, Sequence) else in_float32(answer)


class PendingRequests:
    """Requests by their ids; safe to use from any thread."""

    def __init__(self) -> None:
        self._requests: dict[str, collections.deque[list[LoggedRow]]] = {}
        self._lock = threading.Lock()

    def add(self, request: LoggedRequest) -> None:
        """Add a request that the log took."""
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
        """Remove a request for each id, the oldest of that id."""
        with self._lock:
            for request_id in request_ids:
                same = self._requests[request_id]
                same.popleft()
                if not same:
                    del self._requests[request_id]

    def find(self, request_ids: Iterable[str]) -> list[LoggedRow]:
        """The rows of the requests with these ids, which are as clients sent them, not hashed."""
        with self._lock:
            return [row for request_id in request_ids for rows in self._requests.get(request_id, ()) for row in rows]
