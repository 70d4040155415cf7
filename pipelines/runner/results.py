"""Results of nodes and gates: plain records. They load without TFX, so that any failure can be recorded."""

import dataclasses
import datetime
from pathlib import Path

RAN, CACHED, FAILED, SKIPPED = "ran", "cached", "failed", "skipped"

# Transport -> "calls", "p50_ms" and "p95_ms" of one row asked of the model server.
Latency = dict[str, dict[str, float]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class OutputArtifact:
    """One artifact that a node wrote, or took from the cache."""

    key: str  # output of the node
    type_name: str  # artifact type
    uri: str
    properties: dict[str, int | str]  # custom properties, such as a blessing


@dataclasses.dataclass(frozen=True, kw_only=True)
class NodeResult:
    """What became of one node."""

    node: str
    state: str  # RAN, CACHED, FAILED or SKIPPED
    seconds: float
    started: datetime.datetime | None = None  # UTC; None: skipped
    outputs: tuple[OutputArtifact, ...] = ()
    error: BaseException | None = None
    summary: str = ""  # what it wrote, or why it failed: a few words for people

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

    gate: str  # the node
    passed: bool | None  # None: the run did not get there, or the gate's node failed
    reasons: tuple[str, ...]  # in plain words; what decided, whichever way
    word: str = ""  # what it decided, where that is neither passed nor refused
