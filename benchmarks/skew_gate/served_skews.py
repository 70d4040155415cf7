"""Plant skews in served predictions: one signature, batch size or transport predicts differently for some rows.

The skewed rows are those whose features are rounded differently in other layouts. Only there can SkewGate take a skew
for rounding.
"""

from collections.abc import Callable, Iterator

import numpy as np

from components.candidate_serving.transports import (
    GRPC_COLUMNS,
    GRPC_EXAMPLES,
    REST_COLUMNS,
    REST_ROWS,
    TransportPredictions,
)
from components.signatures import SERVING_DEFAULT, SERVING_RAW
from components.skew_gate.batch_path import BatchChunk
from components.skew_gate.bitwise import Arrays
from components.skew_gate.component import BATCH_SIZES

TRANSPORTS = (GRPC_EXAMPLES, GRPC_COLUMNS, REST_ROWS, REST_COLUMNS)
LARGEST = max(BATCH_SIZES)
_SAMPLE = 128

Change = Callable[[np.ndarray], np.ndarray]
# Name -> the change of a prediction. The first is below 0.001 of most scales, the second far above it.
CHANGES: dict[str, Change] = {
    "2.5e-4 more": lambda predictions: predictions + np.float32(2.5e-4),
    "1 - p for p": lambda predictions: np.float32(1) - predictions,
}


def unsteady_rows(batch: BatchChunk, exported: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Return two bool [rows]: a float feature differs in another layout; a whole number or string does."""
    rounded, moved = (np.zeros(len(batch), bool) for _ in range(2))
    for name, values in batch.features.items():
        of_kind = rounded if values.dtype.kind == "f" else moved
        for key, others in exported.items():
            if key.startswith("transform_features/") and key.split("/", 2)[2] == name:
                of_kind |= (others != values).reshape(len(values), -1).any(axis=1)
    return rounded, moved


def serve(exported: Arrays, rows: np.ndarray) -> TransportPredictions:
    """Return an honest server's answers; it is asked for these rows, bool [rows], one by one."""
    sample = np.flatnonzero(rows)[:_SAMPLE].tolist()
    return TransportPredictions(
        batched=dict.fromkeys(TRANSPORTS, exported[f"{SERVING_DEFAULT}/{LARGEST}"]),
        sample=sample,
        single=dict.fromkeys(TRANSPORTS, exported[f"{SERVING_DEFAULT}/1"][sample]),
        seconds={},
    )


def plant(
    change: Change, rows: np.ndarray, exported: Arrays, served: TransportPredictions
) -> Iterator[tuple[str, Arrays, TransportPredictions]]:
    """Change the predictions of some rows, in one place after another.

    Args:
        change: of a prediction.
        rows: the rows to change, bool [rows].
        exported: the exported model's outputs.
        served: the server's answers.

    Yields:
        The prefix of the names of the comparisons that must refuse it, and the compared arrays.
    """

    def changed(predictions: np.ndarray, where: np.ndarray) -> np.ndarray:
        return np.where(where.reshape(-1, 1), change(predictions), predictions)

    for signature in (SERVING_DEFAULT, SERVING_RAW):
        keys = [f"{signature}/{size}" for size in BATCH_SIZES]
        for name, chosen in (
            (signature, keys),
            *((f"{signature}, batch size {size}", [key]) for size, key in zip(BATCH_SIZES, keys, strict=True)),
        ):
            yield name, exported | {key: changed(exported[key], rows) for key in chosen}, served
    for transport in TRANSPORTS:
        batched = served.batched | {transport: changed(served.batched[transport], rows)}
        single = served.single | {transport: changed(served.single[transport], rows[served.sample])}
        for size, sent in ((LARGEST, {"batched": batched}), (1, {"single": single})):
            yield f"{transport}, batch size {size}", exported, _replace(served, sent)


def _replace(served: TransportPredictions, sent: dict[str, dict[str, np.ndarray]]) -> TransportPredictions:
    return TransportPredictions(**{**vars(served), **sent})
