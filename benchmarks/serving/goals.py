"""The goals on two cores, and whether they were reached.

A run measures the bare calls several times. The distance of these medians shows how steady the machine was, and every
figure of the run is at most that precise: a goal within this distance of its limit is not judged.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.serving.goal import Goal, Verdict
from benchmarks.serving.peer_goals import peer_goals
from benchmarks.serving.phases import Batching, MeasuredPhase, Quantiles, Transport
from benchmarks.serving.requests import EXAMPLES, RAW

OVERHEAD_MS = {
    Transport.REST_ROWS: 1.5,
    Transport.REST_COLUMNS: 1.5,
    Transport.GRPC_COLUMNS: 1.0,
    Transport.GRPC_EXAMPLES: 1.0,
}
SINGLE_ROWS_PER_SECOND = 3000
GATEWAY_PER_SECOND = 2000
SWAP_REQUESTS = 100_000
SIGNATURE = dict.fromkeys(Transport, RAW) | {Transport.GRPC_EXAMPLES: EXAMPLES}


@dataclasses.dataclass(frozen=True, kw_only=True)
class BareCall:
    """The signature call without a server, single rows.

    Attributes:
        median: of all measurements.
        p50_ms_each_time: the median of each measurement.
    """

    median: Quantiles
    p50_ms_each_time: tuple[float, ...]

    @property
    def noise_ms(self) -> float:
        """Return the distance of the medians."""
        return max(self.p50_ms_each_time) - min(self.p50_ms_each_time)

    @property
    def noise_ratio(self) -> float:
        """Return the distance of the medians, relative to the smallest."""
        return self.noise_ms / min(self.p50_ms_each_time)


def goals(
    bare: Mapping[str, BareCall],
    measured: Sequence[MeasuredPhase],
    swapped: Sequence[MeasuredPhase],
    in_turn: Sequence[MeasuredPhase] = (),
) -> Iterator[Goal]:
    """Yield every goal.

    Args:
        bare: the signature calls without a server, single rows, by signature.
        measured: the phases.
        swapped: the phase with swaps, per transport.
        in_turn: the peer and ours, round after round.

    Yields:
        The goals, in the order of the table.
    """
    for transport, most in OVERHEAD_MS.items():
        yield from _overheads(transport, most, bare[SIGNATURE[transport]], measured)
    noise = max(one.noise_ratio for one in bare.values())
    single = [one for one in measured if one.phase.batch_rows == 1 and one.phase.batching is Batching.ON]
    through_gateway = [one for one in single if one.transport is Transport.GATEWAY]
    straight = [one for one in single if one.transport is not Transport.GATEWAY]
    yield _throughput("single-row predictions per second, batching on", SINGLE_ROWS_PER_SECOND, straight, noise)
    if through_gateway:
        yield _throughput("single-row predictions per second, gateway", GATEWAY_PER_SECOND, through_gateway, noise)
    yield from peer_goals(in_turn)
    yield _swaps(swapped)


def overhead_ms(one: MeasuredPhase, bare: Quantiles) -> float | None:
    """Return what a transport adds to the model's median, in milliseconds."""
    return None if one.latency is None else round(one.latency.p50_ms - bare.p50_ms, 3)


def _overheads(transport: Transport, most: float, bare: BareCall, measured: Sequence[MeasuredPhase]) -> Iterator[Goal]:
    """Yield one goal per generator: the generator's own time counts as overhead."""
    for one in measured:
        asked = (one.phase.concurrency, one.phase.batch_rows, one.phase.batching) == (1, 1, Batching.OFF)
        if not asked or one.transport is not transport:
            continue
        value = overhead_ms(one, bare.median)
        yield Goal(
            name=f"overhead of {transport} over the bare signature call, p50, 1 caller, single rows, batching off",
            bound=f"at most {most}",
            value=value,
            unit="ms",
            verdict=_overhead_verdict(value, most, bare.noise_ms),
            how=f"load by {one.generator}, ± {bare.noise_ms:.2f} ms",
        )


def _overhead_verdict(value: float | None, most: float, noise: float) -> Verdict:
    if value is None:
        return Verdict.MISSED
    # a server faster than its own call: the machine changed its speed in between
    if value < 0 or abs(value - most) < noise:
        return Verdict.UNCLEAR
    return Verdict.REACHED if value <= most else Verdict.MISSED


def _throughput(name: str, least: int, measured: Sequence[MeasuredPhase], noise: float) -> Goal:
    best = max(measured, key=lambda one: one.predictions_per_second)
    value = round(best.predictions_per_second, 1)
    return Goal(
        name=name,
        bound=f"at least {least}",
        value=value,
        unit="1/s",
        verdict=_throughput_verdict(value, least, noise),
        how=f"{best.transport}, {best.phase.concurrency} callers, load by {best.generator}, ± {noise:.0%}",
    )


def _throughput_verdict(value: float, least: int, noise: float) -> Verdict:
    if value >= least:  # other work on the machine only reduces the figure
        return Verdict.REACHED
    return Verdict.UNCLEAR if value * (1 + noise) >= least else Verdict.MISSED


def _swaps(swapped: Sequence[MeasuredPhase]) -> Goal:
    requests, failed = (sum(counts) for counts in zip(*((one.requests, one.failed) for one in swapped), strict=True))
    return Goal(
        name=f"failed requests of {SWAP_REQUESTS:,} across version swaps",
        bound="0",
        value=failed,
        unit="requests",
        verdict=Verdict.REACHED if failed == 0 and requests >= SWAP_REQUESTS else Verdict.MISSED,
        how=f"{requests:,} requests over {' and '.join(one.transport for one in swapped)}",
    )
