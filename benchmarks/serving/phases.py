"""What is asked of the load generators, and what they measured: the form in which processes hand it to one another."""

import dataclasses
import enum
from typing import Any, Self

import numpy as np


class Transport(enum.StrEnum):
    """A way to ask for predictions."""

    REST_ROWS = "REST rows"  # serving_raw, a JSON object per row
    REST_COLUMNS = "REST columns"  # serving_raw, a JSON list per feature
    GRPC_COLUMNS = "gRPC columns"  # serving_raw, a tensor per feature
    GRPC_EXAMPLES = "gRPC examples"  # serving_default, serialized tf.Examples
    GATEWAY = "gateway"  # POST /v1/tip, one object or a list
    PEER = "FastAPI peer"  # benchmarks.serving.peers.fastapi_service, one object, a `def` endpoint
    PEER_ASYNC = "FastAPI peer, async"  # the same with an `async def` endpoint
    BENTOML = "BentoML peer"  # benchmarks.serving.peers.bentoml_service, a list of one object; where it is installed


PEERS = (Transport.PEER, Transport.PEER_ASYNC, Transport.BENTOML)


class Batching(enum.StrEnum):
    """Whether the server runs requests that arrive together as one batch."""

    OFF = "off"
    ON = "on"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Phase:
    """Callers that each send the next request when the last one is answered."""

    transports: tuple[Transport, ...]  # the callers are shared out evenly
    batching: Batching
    batch_rows: int  # rows in a request
    concurrency: int  # callers
    warm_up_seconds: float = 0.5  # before anything counts
    seconds: float = 0  # it lasts at least so long …
    requests: int = 0  # … and until so many requests are answered …
    until_file: str = ""  # … and until this file is there

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Self:
        """Read what dataclasses.asdict wrote."""
        transports = tuple(Transport(name) for name in given["transports"])
        return cls(**given | {"transports": transports, "batching": Batching(given["batching"])})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Quantiles:
    """Of how long each of many calls took, in milliseconds."""

    p50_ms: float
    p95_ms: float
    p99_ms: float

    @classmethod
    def of_seconds(cls, seconds: list[float]) -> Self:
        """Quantiles of the raw values, which are given in seconds.

        Raises:
            ValueError: There are none.
        """
        if not seconds:
            raise ValueError("no quantiles of nothing: expected one call at least, received none")
        p50, p95, p99 = (round(float(value) * 1000, 3) for value in np.percentile(seconds, (50, 95, 99)))
        return cls(p50_ms=p50, p95_ms=p95, p99_ms=p99)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeasuredPhase:
    """What one transport did in a phase.

    Attributes:
        phase: the phase, in full.
        transport: the transport.
        generator: what made the load, "locust" or "wrk".
        requests: how many were answered, failures included.
        failures: how many failed, by message.
        seconds: how long was measured.
        latency: of those that did not fail; None when all failed.
        cpu_seconds: what the processes took of the processors in that time: `generator`, `server`, `gateway`. Where
            transports are asked side by side, each one's share by its requests.
        versions: model versions that answered, where answers say so.
    """

    phase: Phase
    transport: Transport
    generator: str
    requests: int
    failures: dict[str, int]
    seconds: float
    latency: Quantiles | None
    cpu_seconds: dict[str, float]
    versions: tuple[int, ...] = ()

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Self:
        """Read what dataclasses.asdict wrote."""
        latency = Quantiles(**given["latency"]) if given["latency"] else None
        changed = {"phase": Phase.from_json(given["phase"]), "transport": Transport(given["transport"])}
        return cls(**given | changed | {"latency": latency, "versions": tuple(given["versions"])})

    @property
    def failed(self) -> int:
        """How many requests failed."""
        return sum(self.failures.values())

    @property
    def predictions_per_second(self) -> float:
        """Rows of requests that did not fail."""
        return (self.requests - self.failed) * self.phase.batch_rows / self.seconds
