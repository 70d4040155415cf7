"""Read the service times of one node from a load test's serving.json."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from serving.gateway.settings import ModelSettings


class FiguresError(ValueError):
    """The file lacks figures that the simulation needs; the message names them."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServiceTimes:
    """The cost of a request on one node, in seconds of processor time."""

    gateway: float  # a request, including its share of a shared call
    server: float  # a call of the model server, without the model
    generator: float = 0.0  # a request, if the load is generated on the same cores
    curve: Mapping[int, float]  # rows in a batch -> the model
    cores: int = 2
    gather_rows: int = 64  # serving.gateway.settings
    gather_seconds: float = 0.005
    batch_rows: int = 1024  # max_batch_size
    batch_seconds: float = 0.001  # batch_timeout_micros
    batch_threads: int = 2  # num_batch_threads
    allowed_rows: tuple[int, ...] = ()  # allowed_batch_sizes: batches are padded to these

    def model(self, rows: int) -> float:
        """Return the model's seconds for a batch, interpolated between the measured sizes."""
        padded = next((size for size in self.allowed_rows if size >= rows), rows)
        sizes = sorted(self.curve)
        return float(np.interp(padded, sizes, [self.curve[size] for size in sizes]))

    def slowed(self, times: float) -> Self:
        """Return the same node with all work multiplied; waits that settings define stay the same."""
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

        Args:
            path: serving.json.

        Returns:
            The service times.

        Raises:
            FiguresError: The record has no batch curve, or no phase for the times.
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
    """Return a transport's phase with the most callers: single rows, batching on, by the cheapest generator.

    Args:
        record: of the load test.
        transport: its name.

    Returns:
        The phase.

    Raises:
        FiguresError: There is none.
    """
    found = [
        one
        for one in record["phases"]
        if (one["transport"], one["batching"], one["batch_rows"]) == (transport, "on", 1)
    ]
    if not found:
        raise FiguresError(f"no phase of {transport} with batching and single rows: run a complete load test.")
    return max(found, key=lambda one: (one["generator"] == "wrk", one["concurrency"]))


def _per_request(one: Mapping[str, Any], role: str) -> float:
    return float(one[f"{role}_cpu_seconds"]) / max(one["requests"], 1)
