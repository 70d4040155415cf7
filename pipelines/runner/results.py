"""Define the records of what nodes and gates returned. They load without TFX, so that any failure can be recorded."""

import dataclasses
import datetime
from pathlib import Path

RAN, CACHED, FAILED, SKIPPED = "ran", "cached", "failed", "skipped"
REFUSED = "refused"  # shown instead of FAILED for a gate that refused

# Transport -> "calls", "p50_ms" and "p95_ms" of requests with one row to the model server.
Latency = dict[str, dict[str, float]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class OutputArtifact:
    """An artifact that a node wrote, took from the cache, or found as a Resolver."""

    key: str  # name of the node's output
    type_name: str  # artifact type
    uri: str
    properties: dict[str, int | str]  # custom properties, such as a blessing


@dataclasses.dataclass(frozen=True, kw_only=True)
class NodeResult:
    """The result of one node of a run."""

    node: str
    state: str  # RAN, CACHED, FAILED or SKIPPED
    seconds: float
    started: datetime.datetime | None = None  # UTC; None: skipped
    outputs: tuple[OutputArtifact, ...] = ()
    error: BaseException | None = None
    summary: str = ""  # what it wrote, or why it failed, in a few words

    @property
    def refused(self) -> bool:
        """Whether the node is AnomalyGate and refused the data: then it is FAILED, and its error has the findings."""
        return hasattr(self.error, "findings")

    @property
    def word(self) -> str:
        """The state in a word for people."""
        return REFUSED if self.refused else self.state

    def uri(self, key: str) -> Path:
        """Return the folder of the artifact of output `key`.

        Raises:
            KeyError: The node wrote no such output.
        """
        for output in self.outputs:
            if output.key == key:
                return Path(output.uri)
        raise KeyError(f"{self.node} wrote no {key!r}: expected one of {[output.key for output in self.outputs]}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """A gate's decision."""

    gate: str  # id of the node
    passed: bool | None  # None: the run ended before the gate, or the gate's node failed
    reasons: tuple[str, ...]  # of the decision, also if the gate passed
    word: str = ""  # printed instead of "passed" or "refused", such as "tie"
