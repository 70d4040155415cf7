"""The service times of one node, as a load test wrote them into serving.json."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from serving.gateway.settings import ModelSettings


class FiguresError(ValueError):
    """The file lacks what the simulation needs; the message says what."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServiceTimes:
    """What a request costs one node, in seconds of processor time."""

    gateway: float  # a request, its share of the call that it went out with included
    server: float  # a call of the model server, without the model
    generator: float = 0.0  # a request, where the load is made on the same cores
    curve: Mapping[int, float]  # rows in a batch -> the model
    cores: int = 2
    gather_rows: int = 64  # serving.gateway.settings
    gather_seconds: float = 0.005
    batch_rows: int = 1024  # max_batch_size
    batch_seconds: float = 0.001  # batch_timeout_micros
    batch_threads: int = 2  # num_batch_threads
    allowed_rows: tuple[int, ...] = ()  # allowed_batch_sizes: what a batch is padded to

    def model(self, rows: int) -> float:
        """Seconds of the model for a batch, interpolated between the measured sizes."""
        padded = next((size for size in self.allowed_rows if size >= rows), rows)
        sizes = sorted(self.curve)
        return float(np.interp(padded, sizes, [self.curve[size] for size in sizes]))

    def slowed(self, times: float) -> Self:
        """The same node where all work takes so many times as long; the waiting that settings ask for does not."""
        return dataclasses.replace(
            self,
            gateway=self.gateway * times,
            server=self.server * times,
            generator=self.generator * times,
            curve={rows: seconds * times for rows, seconds in self.curve.items()},
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a load test's record.

        Raises:
            FiguresError: It has no batch curve, or no phase that the times can be taken from.
            OSError: The file cannot be read.
        """
        record = json.loads(path.read_text())
        try:
            curve = {int(rows): milliseconds / 1000 for rows, milliseconds in record["batch_curve_ms"].items()}
            batching = record["batching"]
        except KeyError as error:
            raise FiguresError(
                f"{path} has no {error}: expected the record of a load test of now, received an older one; "
                "run `make load-test`."
            ) from error
        straight, through = phase(record, "REST columns"), phase(record, "gateway")
        settings = ModelSettings(name="any")
        together = straight["concurrency"] // 2  # rows of a batch: one batch is computed while the next one gathers
        times = cls(
            gateway=_per_request(through, "gateway"),
            server=_per_request(straight, "server"),
            generator=_per_request(through, "generator"),
            curve=curve,
            cores=int(record["machine"]["cores"]),
            gather_rows=settings.gather_rows,
            gather_seconds=settings.gather_seconds,
            **batching | {"allowed_rows": tuple(batching["allowed_rows"])},
        )
        return dataclasses.replace(times, server=max(times.server - times.model(together) / together, 0.0))


def phase(record: Mapping[str, Any], transport: str) -> Mapping[str, Any]:
    """The phase of a transport with the most callers: single rows, batching on, by the cheapest generator.

    Raises:
        FiguresError: There is none.
    """
    found = [
        one
        for one in record["phases"]
        if (one["transport"], one["batching"], one["batch_rows"]) == (transport, "on", 1)
    ]
    if not found:
        raise FiguresError(f"no phase of {transport} with batching and single rows: run a whole load test.")
    return max(found, key=lambda one: (one["generator"] == "wrk", one["concurrency"]))


def _per_request(one: Mapping[str, Any], role: str) -> float:
    return float(one[f"{role}_cpu_seconds"]) / max(one["requests"], 1)
