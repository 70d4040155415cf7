"""Run the whole load test: start the servers, and measure each phase in its order."""

import datetime
import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.serving import bare_call, machine, peer, wrk_load
from benchmarks.serving import requests as bodies
from benchmarks.serving.phases import Batching, MeasuredPhase, Phase, Quantiles, Transport
from benchmarks.serving.plan import LoadPlan, Request, Requests, Targets
from benchmarks.serving.processes import ServerError, batching_parameters, serving
from benchmarks.serving.record import SESSION_CALL, SIGNATURE_CALL, Bare, Swaps, document
from benchmarks.serving.subject import CONTRACT, Subject
from benchmarks.serving.suite import Suite
from benchmarks.serving.swaps import Swapper
from serving import contract as contracts
from serving.contract import Contract

_PROJECT = Path(__file__).resolve().parents[2]
_LINES_SHOWN = 15


class LoadTest:
    """One load test.

    Args:
        subject: what is tested.
        suite: what is measured.
        folder: for logs and copies of the version.
        tell: prints a line of progress.
    """

    def __init__(self, subject: Subject, suite: Suite, folder: Path, tell: Callable[[str], None]):
        self._subject, self._suite, self._folder, self._tell = subject, suite, folder, tell
        self._contract: Contract = contracts.read(subject.version / CONTRACT)
        self._model = bare_call.BareModel(subject.version)
        self._rows = bodies.eval_rows(subject.run, self._contract)
        self._bare: dict[tuple[str, str, int], list[Quantiles]] = {}

    def run(self) -> dict[str, Any]:
        """Measure everything.

        Returns:
            The record.

        Raises:
            ServerError: A server or a generator failed.
        """
        about: dict[str, Any] = {
            "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "machine": machine.describe(),
            "model": {"name": self._subject.task, "version": int(self._subject.version.name)},
        }
        about |= {"batch_curve_ms": self._batch_curve(), "batching": batching_parameters()}
        base = self._folder / "versions"
        shutil.copytree(self._subject.version, base / self._subject.version.name)  # a push must not disturb
        requests = self._requests()
        measured: list[MeasuredPhase] = []
        self._measure_bare()
        for batching in self._suite.batchings:
            with self._serving(base, batching) as targets:
                measured += self._locust(targets, list(self._suite.phases(batching)), requests)
                measured += self._wrk(targets, list(self._suite.wrk_phases(batching)), requests)
                if batching is self._suite.batchings[-1]:
                    in_turn = self._in_turn_with_the_peer(targets, requests)
                    swaps = self._swaps(targets, base, requests)
            self._measure_bare()
        bare = [
            Bare(call=call, signature=signature, batch_rows=rows, times=tuple(times))
            for (call, signature, rows), times in self._bare.items()
        ]
        return document(about, bare, measured, swaps, in_turn)

    def _serving(self, base: Path, batching: Batching) -> Any:
        self._tell(f"starting server and gateway, batching {batching}")
        return serving(self._subject.task, base, batching, self._subject.gateway, self._folder)

    def _batches(self, rows: int) -> Iterator[list[bodies.Row]]:
        return bodies.batches(self._rows, rows, max(self._suite.requests // rows, 16))

    def _requests(self) -> Requests:
        found: dict[tuple[Transport, int], list[Request]] = {}
        for rows in self._suite.batch_rows:
            for batch in self._batches(rows):
                predictions = self._model.predictions(bodies.RAW, bodies.raw_arrays(batch, self._contract))
                for transport in Transport:
                    body = bodies.body(transport, batch, self._contract, self._subject.task)
                    found.setdefault((transport, rows), []).append(Request(body, predictions))
        return found

    def _measure_bare(self) -> None:
        self._tell("the model in this process")
        for rows in self._suite.batch_rows:
            batches = list(self._batches(rows))
            arrays = {
                bodies.RAW: [bodies.raw_arrays(batch, self._contract) for batch in batches],
                bodies.EXAMPLES: [bodies.example_arrays(batch) for batch in batches],
            }
            calls = {SIGNATURE_CALL: self._model.signature_call, SESSION_CALL: self._model.session_call}
            for (name, call), signature in itertools.product(calls.items(), arrays):
                quantiles = bare_call.timed(call(signature), arrays[signature], self._suite.bare_seconds)
                self._bare.setdefault((name, signature, rows), []).append(quantiles)

    def _batch_curve(self) -> dict[int, float]:
        """Return the median milliseconds of a session call, by rows."""
        call, seconds = self._model.session_call(bodies.RAW), self._suite.bare_seconds
        found = {}
        for rows in self._suite.curve_rows:
            (batch,) = bodies.batches(self._rows, rows, 1)
            found[rows] = bare_call.timed(call, [bodies.raw_arrays(batch, self._contract)], seconds).p50_ms
        return found

    def _locust(self, targets: Targets, phases: list[Phase], requests: Requests) -> list[MeasuredPhase]:
        """Run phases in a separate process."""
        plan, log = self._folder / "plan.json", self._folder / "locust.log"
        LoadPlan(targets=targets, phases=phases, requests=requests).write(plan)
        command = [sys.executable, "-m", "benchmarks.serving.locust_load", str(plan)]
        measured = []
        with (
            log.open("w") as errors,
            subprocess.Popen(command, cwd=_PROJECT, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
        ):
            try:
                for line in process.stdout or ():
                    measured.append(MeasuredPhase.from_json(json.loads(line)))
                    self._tell_measured(measured[-1])
            finally:
                if sys.exc_info()[0]:
                    process.kill()
        if process.returncode:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-_LINES_SHOWN:])
            raise ServerError(f"the load generator ended with status {process.returncode}; its log ends with\n{tail}")
        return measured

    def _wrk(self, targets: Targets, phases: list[Phase], requests: Requests) -> list[MeasuredPhase]:
        if not wrk_load.installed():
            return []
        plan = LoadPlan(targets=targets, phases=phases, requests=requests)
        measured = []
        for phase in phases:
            measured.append(wrk_load.run(plan, phase, self._folder))
            self._tell_measured(measured[-1])
        return measured

    def _in_turn_with_the_peer(self, targets: Targets, requests: Requests) -> list[MeasuredPhase]:
        """Ask the peers and our servers in turn, with the same rows and generator; first check the peers' answers."""
        self._tell("starting other services of the same model")
        with peer.start_peers(targets, self._subject.version, self._folder) as with_peer:
            absent = set() if with_peer.bentoml_port else {Transport.BENTOML}
            checks = [one for one in self._suite.peer_checks() if not absent & set(one.transports)]
            phases = [one for one in self._suite.peer_phases() if not absent & set(one.transports)]
            checked = self._locust(with_peer, checks, requests)
            if wrk_load.installed():
                return checked + self._wrk(with_peer, phases, requests)
            return checked + self._locust(with_peer, phases, requests)

    def _swaps(self, targets: Targets, base: Path, requests: Requests) -> Swaps:
        enough = self._folder / "enough_swaps"
        self._tell(f"{self._suite.swap_requests:,} requests while versions are swapped")
        suite, version = self._suite, self._subject.version
        with Swapper(version, base, targets, suite.swap_seconds, enough, suite.swaps) as swapper:
            measured = self._locust(targets, [suite.swap_phase(str(enough))], requests)
        return Swaps(swaps=swapper.count, measured=tuple(measured))

    def _tell_measured(self, one: MeasuredPhase) -> None:
        p50 = f"p50 {one.latency.p50_ms:.2f} ms" if one.latency else "no answers"
        self._tell(
            f"{one.transport}, batching {one.phase.batching}, {one.phase.batch_rows} rows, {one.phase.concurrency} "
            f"callers, {one.generator}: {p50}, {one.requests / one.seconds:,.0f} requests/s, {one.failed} failed"
        )
