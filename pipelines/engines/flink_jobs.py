"""Find and cancel the jobs of a Flink cluster, over the REST API of its JobManager."""

import http.client
import json
from typing import Any

from pipelines.engines.errors import EngineError

_CALL_SECONDS = 30.0
_ENDED = frozenset({"FINISHED", "FAILED", "CANCELED", "CANCELLING"})


class FlinkJobs:
    """The jobs of a cluster: https://nightlies.apache.org/flink/flink-docs-stable/docs/ops/rest_api/.

    Args:
        address: host:port of the JobManager's REST API.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    def running(self, name: str) -> list[str]:
        """Return the ids of the jobs of this name that have not ended and are not being cancelled.

        Raises:
            EngineError: The JobManager does not answer.
        """
        jobs = self._call("GET", "/jobs/overview")["jobs"]
        return [job["jid"] for job in jobs if job["name"] == name and job["state"] not in _ENDED]

    def cancel(self, job: str) -> None:
        """Cancel a job; return before it has ended.

        Args:
            job: its id.

        Raises:
            EngineError: The JobManager does not answer.
        """
        self._call("PATCH", f"/jobs/{job}?mode=cancel")

    def _call(self, method: str, path: str) -> Any:
        connection = http.client.HTTPConnection(self._address, timeout=_CALL_SECONDS)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            content = answer.read()
            received = "" if answer.status < 300 else f"HTTP {answer.status}"
        except (OSError, http.client.HTTPException) as error:
            received = str(error)
        finally:
            connection.close()
        if received:
            raise EngineError(
                f"Flink's JobManager at {self._address} does not answer: expected the API of its jobs at {path}, "
                f"received {received}; start the cluster again (make flink-down flink-up)"
            )
        return json.loads(content)
