"""What is to be reached on two cores, and whether it was."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.serving.phases import Batching, MeasuredPhase, Quantiles, Transport
from benchmarks.serving.requests import EXAMPLES, RAW

OVERHEAD_MS = {
    Transport.REST_ROWS: 1.5,
    Transport.REST_COLUMNS: 1.5,
    Transport.GRPC_COLUMNS: 1.0,
    Transport.GRPC_EXAMPLES: 1.0,
}
SINGLE_ROWS_PER_SECOND = 3000
SWAP_REQUESTS = 100_000
SIGNATURE = dict.fromkeys(Transport, RAW) | {Transport.GRPC_EXAMPLES: EXAMPLES}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Goal:
    """A figure, its bound, and how it was measured."""

    name: str
    bound: str
    value: float | None  # None: every request failed
    unit: str
    reached: bool
    how: str


def goals(
    bare: Mapping[str, Quantiles], measured: Sequence[MeasuredPhase], swapped: Sequence[MeasuredPhase]
) -> Iterator[Goal]:
    """Every goal.

    Args:
        bare: the signature calls without a server, single rows, by signature.
        measured: the phases.
        swapped: the phase with swaps, per transport.
    """
    for transport, most in OVERHEAD_MS.items():
        yield from _overheads(transport, most, bare[SIGNATURE[transport]], measured)
    yield _throughput(measured)
    yield _swaps(swapped)


def overhead_ms(one: MeasuredPhase, bare: Quantiles) -> float | None:
    """What a transport adds to the model at the median, in milliseconds."""
    return None if one.latency is None else round(one.latency.p50_ms - bare.p50_ms, 3)


def _overheads(transport: Transport, most: float, bare: Quantiles, measured: Sequence[MeasuredPhase]) -> Iterator[Goal]:
    """One goal per generator: what a generator takes for itself counts as overhead."""
    for one in measured:
        asked = (one.phase.concurrency, one.phase.batch_rows, one.phase.batching) == (1, 1, Batching.OFF)
        if not asked or one.transport is not transport:
            continue
        value = overhead_ms(one, bare)
        yield Goal(
            name=f"overhead of {transport} over the bare signature call, p50, 1 caller, single rows, batching off",
            bound=f"at most {most}",
            value=value,
            unit="ms",
            reached=value is not None and value <= most,
            how=f"load by {one.generator}",
        )


def _throughput(measured: Sequence[MeasuredPhase]) -> Goal:
    single = [one for one in measured if one.phase.batch_rows == 1 and one.phase.batching is Batching.ON]
    best = max(single, key=lambda one: one.predictions_per_second)
    value = round(best.predictions_per_second, 1)
    return Goal(
        name="single-row predictions per second, batching on",
        bound=f"at least {SINGLE_ROWS_PER_SECOND}",
        value=value,
        unit="1/s",
        reached=value >= SINGLE_ROWS_PER_SECOND,
        how=f"{best.transport}, {best.phase.concurrency} callers, load by {best.generator}",
    )


def _swaps(swapped: Sequence[MeasuredPhase]) -> Goal:
    requests, failed = (sum(counts) for counts in zip(*((one.requests, one.failed) for one in swapped), strict=True))
    return Goal(
        name=f"failed requests of {SWAP_REQUESTS:,} across version swaps",
        bound="0",
        value=failed,
        unit="requests",
        reached=failed == 0 and requests >= SWAP_REQUESTS,
        how=f"{requests:,} requests over {' and '.join(one.transport for one in swapped)}",
    )
