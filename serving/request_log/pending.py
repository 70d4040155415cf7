"""Requests that the log has taken and that no finished file holds yet."""

import collections
import dataclasses
import datetime
import threading
from collections.abc import Iterable

from serving.request_log.encoding import LoggedRequest


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoggedRow:
    """One row of a logged request, as far as it says who asked what and when."""

    request_id: str  # as the log has it: a hash where the log hashes it
    row: int  # which row of the request, from 0
    time: datetime.datetime  # when the request came, with its time zone
    status: int  # HTTP status of the answer
    caller: str | None  # as caller_digest gives it; None where the gateway wanted no key


class PendingRequests:
    """Requests by their ids; safe to use from any thread."""

    def __init__(self) -> None:
        self._requests: dict[str, collections.deque[tuple[int, datetime.datetime, int, str | None]]] = {}
        self._lock = threading.Lock()

    def add(self, request: LoggedRequest) -> None:
        """Adds a request that the log took."""
        with self._lock:
            kept = (len(request.rows), request.time, request.status, request.caller)
            self._requests.setdefault(request.request_id, collections.deque()).append(kept)

    def remove(self, request_ids: Iterable[str]) -> None:
        """Removes a request for each id, the oldest of that id."""
        with self._lock:
            for request_id in request_ids:
                same = self._requests[request_id]
                same.popleft()
                if not same:
                    del self._requests[request_id]

    def find(self, request_ids: Iterable[str]) -> list[LoggedRow]:
        """The rows of the requests with these ids, which are as clients sent them, not hashed."""
        with self._lock:
            return [
                LoggedRow(request_id=request_id, row=row, time=time, status=status, caller=caller)
                for request_id in request_ids
                for rows, time, status, caller in self._requests.get(request_id, ())
                for row in range(rows)
            ]
