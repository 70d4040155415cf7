"""Define the phases and their durations: the whole load test, or a few seconds to check that it works."""

import dataclasses
from collections.abc import Iterator

from benchmarks.serving.phases import PEERS, Batching, Phase, Transport


@dataclasses.dataclass(frozen=True, kw_only=True)
class Suite:
    """The measured phases."""

    transports: tuple[Transport, ...] = tuple(one for one in Transport if one not in PEERS)
    concurrencies: tuple[int, ...] = (1, 8, 32)
    batch_rows: tuple[int, ...] = (1, 64)
    batchings: tuple[Batching, ...] = (Batching.OFF, Batching.ON)  # versions are swapped on the last one's server
    warm_up_seconds: float = 0.5  # of a phase, not measured
    seconds: float = 2.0  # of a phase, at least
    phase_requests: int = 50  # in a phase, at least
    bare_seconds: float = 0.5  # of each bare call; before and after the phases of a server
    curve_rows: tuple[int, ...] = (1, 8, 32, 64, 256, 1024)  # of the batch curve, which benchmarks.capacity reads
    requests: int = 64  # different ones per transport and batch size; at least as many as rows
    wrk_transports: tuple[Transport, ...] = (Transport.REST_COLUMNS, Transport.GATEWAY)
    wrk_concurrencies: tuple[int, ...] = (1, 32)
    peer_transports: tuple[Transport, ...] = (*PEERS, Transport.GATEWAY, Transport.REST_ROWS)  # in turn
    peer_rounds: int = 3
    peer_concurrency: int = 32
    swap_transports: tuple[Transport, ...] = (Transport.REST_COLUMNS, Transport.GRPC_COLUMNS)
    swap_requests: int = 100_000
    swap_concurrency: int = 32
    swap_seconds: float = 3.0  # from when a version answers to the next push
    swaps: int = 5  # at least

    @property
    def expected_seconds(self) -> float:
        """Return the approximate duration: phases, swaps at 1,500 requests a second, and the servers' starts."""
        phases = [one for batching in self.batchings for one in (*self.phases(batching), *self.wrk_phases(batching))]
        phases += [*self.peer_checks(), *self.peer_phases()]
        bare_calls = 2 * 2 * len(self.batch_rows) * (1 + len(self.batchings))  # of two kinds, on two signatures
        return (
            sum(phase.warm_up_seconds + phase.seconds for phase in phases)
            + (bare_calls + len(self.curve_rows)) * self.bare_seconds
            + max(self.swap_requests / 1500, self.swaps * self.swap_seconds)
            + 20 * (2 + len(self.batchings))  # starts, the peer's among them
        )

    def phases(self, batching: Batching) -> Iterator[Phase]:
        """Yield Locust's phases with one server."""
        for transport in self.transports:
            yield from self._phases(transport, batching, self.concurrencies)

    def wrk_phases(self, batching: Batching) -> Iterator[Phase]:
        """Yield wrk's phases with one server, single rows."""
        for transport in self.wrk_transports:
            yield from (
                phase for phase in self._phases(transport, batching, self.wrk_concurrencies) if phase.batch_rows == 1
            )

    def peer_checks(self) -> Iterator[Phase]:
        """Yield phases with one caller of each peer, whose answers are checked."""
        for peer in PEERS:
            yield from (one for one in self._phases(peer, Batching.OFF, (1,)) if one.batch_rows == 1)

    def peer_phases(self) -> Iterator[Phase]:
        """Yield phases of the peers and ours in turn, single rows; the server batches, the peers do not."""
        for _ in range(self.peer_rounds):
            for transport in self.peer_transports:
                batching = Batching.OFF if transport in PEERS else self.batchings[-1]
                yield from (
                    phase
                    for phase in self._phases(transport, batching, (self.peer_concurrency,))
                    if phase.batch_rows == 1
                )

    def swap_phase(self, until_file: str) -> Phase:
        """Return the load during version swaps; single rows."""
        return Phase(
            transports=self.swap_transports,
            batching=self.batchings[-1],
            batch_rows=1,
            concurrency=self.swap_concurrency,
            warm_up_seconds=self.warm_up_seconds,
            requests=self.swap_requests,
            until_file=until_file,
        )

    def _phases(self, transport: Transport, batching: Batching, concurrencies: tuple[int, ...]) -> Iterator[Phase]:
        for rows in self.batch_rows:
            for concurrency in concurrencies:
                yield Phase(
                    transports=(transport,),
                    batching=batching,
                    batch_rows=rows,
                    concurrency=concurrency,
                    warm_up_seconds=self.warm_up_seconds,
                    seconds=self.seconds,
                    requests=self.phase_requests,
                )


QUICK = Suite(
    concurrencies=(1,),
    batch_rows=(1, 4),
    curve_rows=(1, 64),
    warm_up_seconds=0.05,
    seconds=0.1,
    phase_requests=5,
    bare_seconds=0.05,
    requests=8,
    wrk_concurrencies=(1,),
    peer_rounds=1,
    peer_concurrency=4,
    swap_requests=200,
    swap_concurrency=4,
    swap_seconds=0.2,
    swaps=2,
)
