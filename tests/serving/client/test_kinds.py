"""The client of tasks of several classes and of numbers, against the real gateway of both."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from serving.client import (
    AnswerError,
    AsyncClient,
    ClassProbability,
    Client,
    InvalidRequestError,
    Outcome,
    ValuePrediction,
)
from tests.serving.gateway import tasks
from tests.serving.gateway.tasks import DOORS, PRICE, ROW

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("gateway")
    for task in (DOORS, PRICE):
        task.write(folder)
    models = {DOORS: DOORS.model(folder, [0.25, 0.125, 0.625]), PRICE: PRICE.model(folder, [8.25])}
    with tasks.running(folder, models) as client:
        yield str(client.base_url)


def asked(url: str, endpoint: str, method: str, *given: Any, **more: Any) -> Any:
    """What both clients say, which is the same."""

    async def ask() -> Any:
        async with AsyncClient(url, endpoint=endpoint) as client:
            return await getattr(client, method)(*given, request_id="a", **more)

    with Client(url, endpoint=endpoint) as client:
        found = getattr(client, method)(*given, request_id="a", **more)
    assert asyncio.run(ask()) == found
    return found


def test_classes(url: str) -> None:
    found = asked(url, "doors", "classify", ROW)
    assert (found.decision, type(found.decision)) == (5, int)
    assert found.probabilities == tuple(
        ClassProbability(name=name, probability=probability)
        for name, probability in ((5, 0.625), (3, 0.25), (4, 0.125))
    )
    many = asked(url, "doors", "classify_many", [ROW, ROW], top_k=1)
    assert [(each.row, len(each.probabilities), each.request_id) for each in many] == [(0, 1, "a"), (1, 1, "a")]
    with pytest.raises(InvalidRequestError, match=r"422 invalid_top_k: top_k: expected one whole number from 1 to 3"):
        asked(url, "doors", "classify", ROW, top_k=4)


def test_values_and_what_became_of_them(url: str) -> None:
    found = asked(url, "price", "estimate", ROW)
    assert found == ValuePrediction(
        value=8.25, unit="USD", interval=None, model_version="1", model_label=None, request_id="a", row=0
    )
    with Client(url, endpoint="price") as client:
        (own,) = client.estimate_many([ROW])
        assert client.feedback([Outcome.of(own, 7.5)]).stored == 1


@pytest.mark.parametrize(("endpoint", "method"), [
    ("doors", "predict"), ("price", "predict"), ("doors", "estimate"), ("price", "classify"),
])  # fmt: skip
def test_the_method_of_another_kind_says_so(url: str, endpoint: str, method: str) -> None:
    with pytest.raises(AnswerError, match=r"the method for its kind of task \(predict, classify, estimate\)"):
        asked(url, endpoint, method, ROW)
