"""Send requests to the gateway as several users do at the same time, and report the outcomes."""

import asyncio
import dataclasses
import datetime
from collections import Counter
from collections.abc import Sequence
from typing import Self

from pipelines.replay.errors import ReplayError
from pipelines.replay.span_rows import SentRow
from serving.client import AsyncClient, FieldError, InvalidRequestError, Outcome, Prediction, PredictionError

_AT_ONCE = 8  # users that send requests
_OUTCOMES = 500  # in one request


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """The answers to the rows that were sent."""

    begun: datetime.datetime  # when the first row was sent, UTC
    answers: Sequence[tuple[SentRow, Prediction]]
    refused: Sequence[str]  # why the gateway refused a row that breaks the contract
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
        """Number of rows that each version answered, the largest first."""
        return dict(Counter(prediction.model_version for _, prediction in self.answers).most_common())


def ask(url: str, endpoint: str, rows: Sequence[SentRow]) -> Asked:
    """Send the rows in their order, one per request, and wait for the answers.

    Args:
        url: of the gateway.
        endpoint: name of the gateway's endpoint.
        rows: of a span.

    Returns:
        The answers, and the reasons for rows without one.
    """
    return asyncio.run(_ask(url, endpoint, rows))


def tell(url: str, endpoint: str, asked: Asked) -> int:
    """Report the outcomes of the answered rows to the gateway.

    Args:
        url: of the gateway.
        endpoint: name of the gateway's endpoint.
        asked: the answered rows.

    Returns:
        Number of stored outcomes.

    Raises:
        ReplayError: An outcome was refused, although its row was just answered.
    """
    outcomes = [Outcome.of(prediction, row.outcome) for row, prediction in asked.answers if row.outcome is not None]
    return asyncio.run(_tell(url, endpoint, outcomes))


async def _ask(url: str, endpoint: str, rows: Sequence[SentRow]) -> Asked:
    begun = datetime.datetime.now(datetime.UTC)
    answers: list[tuple[SentRow, Prediction]] = []
    refused: list[str] = []
    failed: list[str] = []
    remaining = iter(rows)

    async def send_remaining(client: AsyncClient) -> None:
        for row in remaining:
            try:
                answers.append((row, await client.predict(row.features)))
            except InvalidRequestError as error:
                refused.append("; ".join(map(_describe, error.errors)) or error.detail)
            except PredictionError as error:
                failed.append(str(error))

    async with AsyncClient(url, endpoint=endpoint) as client:
        await asyncio.gather(*(send_remaining(client) for _ in range(_AT_ONCE)))
    return Asked(begun=begun, answers=answers, refused=refused, failed=failed)


def _describe(error: FieldError) -> str:
    """Return what is wrong with a row, without the row's number, so that equal faults can be counted."""
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
