"""The plan of a generator's process: a JSON file with the phases, the requests and their targets."""

import base64
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from benchmarks.serving.phases import Phase, Transport


@dataclasses.dataclass(frozen=True)
class Request:
    """A request, and the expected predictions.

    Attributes:
        body: JSON, or a serialized PredictRequest.
        predictions: one per row.
    """

    body: bytes
    predictions: tuple[float, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Targets:
    """The addresses of the servers."""

    model: str
    rest_port: int
    grpc_port: int
    gateway_port: int
    gateway_route: str
    processes: dict[str, int]  # process id by role: `server`, `gateway`, `peer`; to measure their cost
    peer_port: int = 0  # 0: no peer runs
    bentoml_port: int = 0

    def url(self, transport: Transport) -> str:
        """Return the address of a transport's requests; for gRPC without scheme, as for a channel."""
        match transport:
            case Transport.GATEWAY:
                return f"http://127.0.0.1:{self.gateway_port}{self.gateway_route}"
            case Transport.PEER:
                return f"http://127.0.0.1:{self.peer_port}/predict"
            case Transport.PEER_ASYNC:
                return f"http://127.0.0.1:{self.peer_port}/predict_async"
            case Transport.BENTOML:
                return f"http://127.0.0.1:{self.bentoml_port}/predict"
            case Transport.REST_ROWS | Transport.REST_COLUMNS:
                return f"http://127.0.0.1:{self.rest_port}/v1/models/{self.model}:predict"
            case _:
                return f"127.0.0.1:{self.grpc_port}"


Requests = Mapping[tuple[Transport, int], Sequence[Request]]  # by transport and rows in a request


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoadPlan:
    """Phases that run one after the other."""

    targets: Targets
    phases: Sequence[Phase]
    requests: Requests

    def write(self, path: Path) -> None:
        """Write the file, with only those requests that a phase sends."""
        used = {(transport, phase.batch_rows) for phase in self.phases for transport in phase.transports}
        requests = [
            {
                "transport": transport,
                "batch_rows": rows,
                "bodies": [base64.b64encode(request.body).decode() for request in self.requests[transport, rows]],
                "predictions": [request.predictions for request in self.requests[transport, rows]],
            }
            for transport, rows in sorted(used)
        ]
        phases = [dataclasses.asdict(phase) for phase in self.phases]
        document = {"targets": dataclasses.asdict(self.targets), "phases": phases, "requests": requests}
        path.write_text(json.dumps(document))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file that write() wrote."""
        document = json.loads(path.read_text())
        requests = {
            (Transport(given["transport"]), given["batch_rows"]): [
                Request(base64.b64decode(body), tuple(predictions))
                for body, predictions in zip(given["bodies"], given["predictions"], strict=True)
            ]
            for given in document["requests"]
        }
        return cls(
            targets=Targets(**document["targets"]),
            phases=[Phase.from_json(given) for given in document["phases"]],
            requests=requests,
        )
