"""The phases for the load generators, and their results, in the form that processes exchange."""

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
    BENTOML = "BentoML peer"  # benchmarks.serving.peers.bentoml_service, a list of one object; if it is installed


PEERS = (Transport.PEER, Transport.PEER_ASYNC, Transport.BENTOML)


class Batching(enum.StrEnum):
    """Whether the server runs concurrent requests as one batch."""

    OFF = "off"
    ON = "on"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Phase:
    """Callers that each send the next request after the last answer."""

    transports: tuple[Transport, ...]  # the callers are divided evenly
    batching: Batching
    batch_rows: int  # rows in a request
    concurrency: int  # callers
    warm_up_seconds: float = 0.5  # before anything counts
    seconds: float = 0  # it lasts at least this long
    requests: int = 0  # and until this many requests are answered
    until_file: str = ""  # and until this file exists

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Self:
        """Read the result of dataclasses.asdict."""
        transports = tuple(Transport(name) for name in given["transports"])
        return cls(**given | {"transports": transports, "batching": Batching(given["batching"])})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Quantiles:
    """Quantiles of the duration of calls, in milliseconds."""

    p50_ms: float
    p95_ms: float
    p99_ms: float

    @classmethod
    def of_seconds(cls, seconds: list[float]) -> Self:
        """Compute quantiles of raw values.

        Args:
            seconds: the values.

        Returns:
            The quantiles, in milliseconds.

        Raises:
            ValueError: There are no values.
        """
        if not seconds:
            raise ValueError("quantiles: expected at least one call, received none")
        p50, p95, p99 = (round(float(value) * 1000, 3) for value in np.percentile(seconds, (50, 95, 99)))
        return cls(p50_ms=p50, p95_ms=p95, p99_ms=p99)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeasuredPhase:
    """The figures of one transport in a phase.

    Attributes:
        phase: the phase, in full.
        transport: the transport.
        generator: of the load, "locust" or "wrk".
        requests: number of answered requests, failures included.
        failures: number of failed requests, by message.
        seconds: the measured time.
        latency: of successful requests; None when all failed.
        cpu_seconds: processor time of the processes in that time: `generator`, `server`, `gateway`. If transports are
            asked at the same time, each one's share by its requests.
        versions: model versions that answered, if answers name them.
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
        """Read the result of dataclasses.asdict."""
        latency = Quantiles(**given["latency"]) if given["latency"] else None
        changed = {"phase": Phase.from_json(given["phase"]), "transport": Transport(given["transport"])}
        return cls(**given | changed | {"latency": latency, "versions": tuple(given["versions"])})

    @property
    def failed(self) -> int:
        """Return the number of failed requests."""
        return sum(self.failures.values())

    @property
    def predictions_per_second(self) -> float:
        """Return the rows per second of successful requests."""
        return (self.requests - self.failed) * self.phase.batch_rows / self.seconds
