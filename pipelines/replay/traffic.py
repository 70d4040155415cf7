"""What users do: they ask the gateway, some at the same time, and tell it later what became of it."""

import asyncio
import dataclasses
import datetime
from collections import Counter
from collections.abc import Sequence
from typing import Self

from pipelines.replay.errors import ReplayError
from pipelines.replay.span_rows import SentRow
from serving.client import AsyncClient, FieldError, InvalidRequestError, Outcome, Prediction, PredictionError

_AT_ONCE = 8  # users
_OUTCOMES = 500  # in one request


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """What came of some rows that were sent."""

    begun: datetime.datetime  # UTC
    answers: Sequence[tuple[SentRow, Prediction]]
    refused: Sequence[str]  # why the gateway refused a row: it breaks the contract
    failed: Sequence[str]  # why a row that meets the contract got no answer

    def __add__(self, later: Self) -> "Asked":
        return Asked(
            begun=self.begun,
            answers=[*self.answers, *later.answers],
            refused=[*self.refused, *later.refused],
            failed=[*self.failed, *later.failed],
        )

    @property
    def versions(self) -> dict[str, int]:
        """How many rows each version answered; the one that answered most comes first."""
        return dict(Counter(prediction.model_version for _, prediction in self.answers).most_common())


def ask(url: str, endpoint: str, rows: Sequence[SentRow]) -> Asked:
    """Send the rows in their order, each as a request of its own, and waits for the answers.

    Args:
        url: of the gateway.
        endpoint: what is predicted.
        rows: of a span.
    """
    return asyncio.run(_ask(url, endpoint, rows))


def tell(url: str, endpoint: str, asked: Asked) -> int:
    """Tell what became of the rows that were answered; returns how many outcomes were stored.

    Raises:
        ReplayError: An outcome was refused: of rows that were just answered, that is a fault of ours.
    """
    outcomes = [Outcome.of(prediction, row.outcome) for row, prediction in asked.answers if row.outcome is not None]
    return asyncio.run(_tell(url, endpoint, outcomes))


async def _ask(url: str, endpoint: str, rows: Sequence[SentRow]) -> Asked:
    begun = datetime.datetime.now(datetime.UTC)
    answers: list[tuple[SentRow, Prediction]] = []
    refused: list[str] = []
    failed: list[str] = []
    waiting = iter(rows)

    async def be_a_user(client: AsyncClient) -> None:
        for row in waiting:
            try:
                answers.append((row, await client.predict(row.features)))
            except InvalidRequestError as error:
                refused.append("; ".join(map(_describe, error.errors)) or error.detail)
            except PredictionError as error:
                failed.append(str(error))

    async with AsyncClient(url, endpoint=endpoint) as client:
        await asyncio.gather(*(be_a_user(client) for _ in range(_AT_ONCE)))
    return Asked(begun=begun, answers=answers, refused=refused, failed=failed)


def _describe(error: FieldError) -> str:
    """Return what is wrong with a row, without its number: equal faults are counted together."""
    return f"{error.field or 'row'}: expected {error.expected}, received {error.received}"


async def _tell(url: str, endpoint: str, outcomes: Sequence[Outcome]) -> int:
    stored = 0
    async with AsyncClient(url, endpoint=endpoint) as client:
        for begin in range(0, len(outcomes), _OUTCOMES):
            told = await client.feedback(outcomes[begin : begin + _OUTCOMES])
            if told.refused:
                raise ReplayError(f"{url}: expected every outcome to be stored, received {told.refused[0].detail}")
            stored += told.stored
    return stored
