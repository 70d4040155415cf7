"""Generate the load with Locust: python -m benchmarks.serving.locust_load PLAN.

It runs in a separate process, because Locust replaces the standard library's sockets and threads by gevent's. It runs
the phases of a benchmarks.serving.plan.LoadPlan and prints one line of JSON, a MeasuredPhase, per phase and transport.
Response times are the raw ones of Locust's `request` event: its own percentiles are rounded.
"""

import collections
import dataclasses
import itertools
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import grpc.experimental.gevent
from locust import FastHttpUser, User, constant, task
from locust.env import Environment

from benchmarks.serving import answers
from benchmarks.serving.cpu import CpuClock
from benchmarks.serving.phases import MeasuredPhase, Phase, Quantiles, Transport
from benchmarks.serving.plan import LoadPlan, Request, Targets

_PREDICT = "/tensorflow.serving.PredictionService/Predict"
_PATIENCE_SECONDS = 30  # for an answer
_POLL_SECONDS = 0.02  # Locust's time.sleep lets its callers run
_LONGEST_MESSAGE = 200  # characters of a failure's message
_JSON = {"Content-Type": "application/json"}


class _HttpUser(FastHttpUser):
    abstract = True
    wait_time = constant(0)
    connection_timeout = network_timeout = _PATIENCE_SECONDS
    requests: Iterator[Request]
    transport: Transport

    @task
    def ask(self) -> None:
        request = next(self.requests)
        context = {"transport": self.transport, "predictions": request.predictions}
        self.client.post(self.host, data=request.body, headers=_JSON, name=self.transport, context=context)


class _GrpcUser(User):
    abstract = True
    wait_time = constant(0)
    requests: Iterator[Request]
    transport: Transport

    def on_start(self) -> None:
        self._channel = grpc.insecure_channel(self.host, options=[("grpc.enable_http_proxy", 0)])
        self._predict = self._channel.unary_unary(_PREDICT)  # bytes in, bytes out

    def on_stop(self) -> None:
        self._channel.close()

    @task
    def ask(self) -> None:
        request = next(self.requests)
        body, error, start = b"", None, time.perf_counter()
        try:
            body = self._predict(request.body, timeout=_PATIENCE_SECONDS)
        except grpc.RpcError as raised:
            error = raised
        self.environment.events.request.fire(
            request_type="gRPC",
            name=self.transport,
            response_time=(time.perf_counter() - start) * 1000,
            response_length=len(body),
            response=body,
            context={"transport": self.transport, "predictions": request.predictions},
            exception=error,
        )


@dataclasses.dataclass
class _Record:
    """The requests of one transport while it was recorded."""

    seconds: list[float] = dataclasses.field(default_factory=list)  # of each request that did not fail
    failures: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    versions: set[int] = dataclasses.field(default_factory=set)

    @property
    def requests(self) -> int:
        return len(self.seconds) + self.failures.total()

    def add(
        self, transport: Transport, milliseconds: float, response: Any, error: Exception | None, context: Any
    ) -> None:
        if error is None:
            body = response if isinstance(response, bytes) else response.content
            try:
                version = answers.check(transport, body, context["predictions"])
            except answers.WrongAnswerError as wrong:
                error = wrong
            else:
                self.seconds.append(milliseconds / 1000)
                if version is not None:
                    self.versions.add(version)
                return
        self.failures[_message(error)[:_LONGEST_MESSAGE]] += 1


def run(plan: LoadPlan, phase: Phase) -> list[MeasuredPhase]:
    """Run one phase, and return the figures of each transport."""
    environment = Environment(
        user_classes=[_user(plan, phase, transport) for transport in phase.transports], stop_timeout=_PATIENCE_SECONDS
    )
    records = {transport: _Record() for transport in phase.transports}
    recording = False

    def note(response_time: float, response: Any, exception: Exception | None, context: Any, **_: object) -> None:
        if recording:
            transport = context["transport"]
            records[transport].add(transport, response_time, response, exception, context)

    environment.events.request.add_listener(note)
    runner = environment.create_local_runner()
    runner.start(phase.concurrency, spawn_rate=phase.concurrency)
    time.sleep(phase.warm_up_seconds)
    clock = CpuClock(plan.targets.processes)
    recording = True
    time.sleep(phase.seconds)
    while sum(record.requests for record in records.values()) < phase.requests or not _may_end(phase):
        time.sleep(_POLL_SECONDS)
    recording = False
    seconds, cpu_seconds = clock.read()
    runner.quit()
    answered = sum(record.requests for record in records.values()) or 1
    return [
        MeasuredPhase(
            phase=phase,
            transport=transport,
            generator="locust",
            requests=record.requests,
            failures=dict(record.failures),
            seconds=seconds,
            latency=Quantiles.of_seconds(record.seconds) if record.seconds else None,
            cpu_seconds={role: used * record.requests / answered for role, used in cpu_seconds.items()},
            versions=tuple(sorted(record.versions)),
        )
        for transport, record in records.items()
    ]


def _may_end(phase: Phase) -> bool:
    return not phase.until_file or Path(phase.until_file).exists()


def _user(plan: LoadPlan, phase: Phase, transport: Transport) -> type[User]:
    """Return a class of callers of one transport, which take the requests in turn."""
    targets: Targets = plan.targets
    base = _GrpcUser if transport in (Transport.GRPC_COLUMNS, Transport.GRPC_EXAMPLES) else _HttpUser
    requests = itertools.cycle(plan.requests[transport, phase.batch_rows])
    members = {"host": targets.url(transport), "requests": requests, "transport": transport}
    return type(transport.name.title(), (base,), members)


def _message(error: Exception) -> str:
    if isinstance(error, grpc.RpcError):
        return f"{error.code().name}: {error.details()}"
    if isinstance(error, answers.WrongAnswerError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def main() -> None:
    """Run every phase of the plan that the command line names."""
    grpc.experimental.gevent.init_gevent()
    plan = LoadPlan.read(Path(sys.argv[1]))
    for phase in plan.phases:
        for measured in run(plan, phase):
            print(json.dumps(dataclasses.asdict(measured)), flush=True)


if __name__ == "__main__":
    main()
