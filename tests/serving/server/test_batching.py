"""Batches: what runs together, in which sizes, and that nobody gets another's rows or another's error.

The model stands in as an object that records its batches and waits until it is let go, so that who meets in a batch is
decided by the test and not by the machine's load. Batching of a real model: test_process.py.
"""

import asyncio
import threading
from collections.abc import Awaitable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow.core.protobuf import meta_graph_pb2

from serving.server import config
from serving.server.batching import BatchingRunner
from serving.server.config_messages_pb2 import BatchingParameters
from serving.server.errors import InvalidArgumentError, ServingError

SIGNATURE, OTHER = meta_graph_pb2.SignatureDef(), meta_graph_pb2.SignatureDef()


class Model:
    """Triples its rows; refuses a batch that holds a 13; the first call waits for `go`."""

    def __init__(self) -> None:
        self.batches: list[list[float]] = []
        self.busy, self.go = threading.Event(), threading.Event()

    def run(self, signature: object, inputs: Mapping[str, np.ndarray], outputs: Sequence[str]) -> dict[str, np.ndarray]:
        self.batches.append(inputs["x"].ravel().tolist())
        self.busy.set()
        assert self.go.wait(20)
        if 13 in inputs["x"]:
            raise InvalidArgumentError("13 is refused")
        return (
            {"y": inputs["x"] * 3, "total": inputs["x"].sum()[None]} if "total" in outputs else {"y": inputs["x"] * 3}
        )


def runner(text: str, threads: ThreadPoolExecutor) -> BatchingRunner:
    return BatchingRunner(config.checked_batching(text_format.Parse(text, BatchingParameters())), threads)


def ask(runner: BatchingRunner, model: Model, *rows: float, **options: object) -> Awaitable[dict[str, np.ndarray]]:
    signature, outputs = options.get("signature", SIGNATURE), options.get("outputs", ["y"])
    return runner.run(model, signature, {"x": np.array(rows, np.float32)}, outputs)  # type: ignore[arg-type]


async def gather_behind_a_busy_model(
    model: Model, runner: BatchingRunner, requests: list[Awaitable[dict[str, np.ndarray]]]
) -> list[dict[str, np.ndarray] | BaseException]:
    """Sends the requests while the one batch thread is busy with a row 0, and returns their answers."""
    first = asyncio.ensure_future(ask(runner, model, 0))
    await asyncio.to_thread(model.busy.wait, 20)
    waiting = asyncio.gather(*requests, return_exceptions=True)
    await asyncio.sleep(0)  # each has put its task into a batch …
    await asyncio.sleep(0)  # … and asked for a thread
    model.go.set()
    assert (await first)["y"].tolist() == [0]
    return await waiting


def behind_a_busy_model(text: str, *rows: tuple[float, ...], model: Model, **options: object) -> list[object]:
    with ThreadPoolExecutor(4) as threads:
        batching = runner(f"num_batch_threads {{ value: 1 }} {text}", threads)
        requests = [ask(batching, model, *row, **options) for row in rows]
        answers = asyncio.run(gather_behind_a_busy_model(model, batching, requests))
    return [answer if isinstance(answer, BaseException) else answer["y"].tolist() for answer in answers]


def test_what_waits_runs_together_and_everyone_gets_their_own_rows() -> None:
    model = Model()
    assert behind_a_busy_model("", (1,), (2, 3), (4,), model=model) == [[3], [6, 9], [12]]
    assert model.batches == [[0], [1, 2, 3, 4]]


def test_no_batch_is_larger_than_allowed() -> None:
    model = Model()
    answers = behind_a_busy_model("max_batch_size { value: 3 }", (1, 2), (3, 4), (5,), (6, 7, 8), model=model)
    assert answers == [[3, 6], [9, 12], [15], [18, 21, 24]]
    assert model.batches == [[0], [1, 2], [3, 4, 5], [6, 7, 8]]


def test_a_batch_is_filled_up_to_an_allowed_size_with_its_first_row() -> None:
    model = Model()
    text = "max_batch_size { value: 6 } allowed_batch_sizes: [1, 4, 6]"
    assert behind_a_busy_model(text, (5,), (7, 9, 11, 2), model=model) == [[15], [21, 27, 33, 6]]
    assert model.batches == [[0], [5, 7, 9, 11, 2, 5]]


def test_a_failed_batch_runs_again_one_by_one() -> None:
    model = Model()
    good, bad, also_good = behind_a_busy_model("", (1,), (13,), (2,), model=model)
    assert (good, also_good) == ([3], [6])
    assert isinstance(bad, ServingError)
    assert bad.message == "13 is refused"
    assert model.batches == [[0], [1, 13, 2], [1], [13], [2]]


def test_an_output_without_a_row_for_each_row_is_the_models_fault() -> None:
    model = Model()
    answers = behind_a_busy_model("", (1, 2), model=model, outputs=["y", "total"])
    assert isinstance(answers[0], ServingError)
    assert answers[0].code == grpc.StatusCode.FAILED_PRECONDITION
    assert "total has shape (1,)" in answers[0].message


def test_a_full_queue_refuses_and_says_so() -> None:
    model = Model()
    text = "max_batch_size { value: 1 } max_enqueued_batches { value: 2 }"
    first, second, third = behind_a_busy_model(text, (1,), (2,), (3,), model=model)
    assert (first, second) == ([3], [6])
    assert isinstance(third, ServingError)
    assert third.code == grpc.StatusCode.UNAVAILABLE
    assert "is full: 2 batches" in third.message


def test_an_output_without_rows_is_refused_in_company_too() -> None:
    model = Model()
    answers = behind_a_busy_model("", (1,), (2,), model=model, outputs=["y", "total"])
    # Alone, one row has one total; that the two met is nobody's concern.
    assert answers == [[3], [6]]
    assert model.batches == [[0], [1, 2], [1], [2]]


def test_one_by_one_the_sizes_are_allowed_ones_too() -> None:
    model = Model()
    text = "max_batch_size { value: 4 } allowed_batch_sizes: [2, 4]"
    good, bad = behind_a_busy_model(text, (1,), (13,), model=model)
    assert good == [3]
    assert isinstance(bad, ServingError)
    assert model.batches == [[0, 0], [1, 13], [1, 1], [13, 13]]


def test_nobody_waits_behind_those_who_ask_more() -> None:
    model = Model()

    async def run() -> None:
        with ThreadPoolExecutor(2) as threads:
            batching = runner("num_batch_threads { value: 1 } max_batch_size { value: 1 }", threads)
            busy = asyncio.ensure_future(ask(batching, model, 0))
            await asyncio.to_thread(model.busy.wait, 20)
            first = asyncio.ensure_future(ask(batching, model, 1))
            other = asyncio.ensure_future(ask(batching, model, 2, signature=OTHER))
            rest = [asyncio.ensure_future(ask(batching, model, row)) for row in (3, 4)]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            model.go.set()
            await asyncio.gather(busy, first, other, *rest)

    asyncio.run(run())
    assert model.batches == [[0], [1], [2], [3], [4]]


def test_the_queue_is_full_for_one_signature_and_not_for_another() -> None:
    model = Model()

    async def run() -> None:
        with ThreadPoolExecutor(2) as threads:
            text = "num_batch_threads { value: 1 } max_batch_size { value: 1 } max_enqueued_batches { value: 1 }"
            batching = runner(text, threads)
            requests = [ask(batching, model, 1), ask(batching, model, 2, signature=OTHER), ask(batching, model, 3)]
            one, other, refused = await gather_behind_a_busy_model(model, batching, requests)
            assert isinstance(one, dict)
            assert isinstance(other, dict)
            assert isinstance(refused, ServingError)

    asyncio.run(run())


def test_idle_threads_take_what_would_not_fit_the_queue() -> None:
    model = Model()
    model.go.set()

    async def run() -> None:
        with ThreadPoolExecutor(4) as threads:
            batching = runner(
                "num_batch_threads { value: 4 } max_batch_size { value: 1 } max_enqueued_batches { value: 1 }", threads
            )
            answers = await asyncio.gather(*(ask(batching, model, row) for row in range(5)))
            assert [answer["y"].item() for answer in answers] == [0, 3, 6, 9, 12]

    asyncio.run(run())


def test_signatures_outputs_and_shapes_do_not_mix() -> None:
    model = Model()

    async def run() -> None:
        with ThreadPoolExecutor(4) as threads:
            batching = runner("num_batch_threads { value: 1 }", threads)
            requests = [
                ask(batching, model, 1),
                ask(batching, model, 2, signature=OTHER),
                batching.run(model, SIGNATURE, {"x": np.array([[3.0]], np.float32)}, ["y"]),  # type: ignore[arg-type]
                ask(batching, model, 4),
            ]
            answers = await gather_behind_a_busy_model(model, batching, requests)
            assert [answer["y"].tolist() for answer in answers] == [[3], [6], [[9]], [12]]  # type: ignore[index, call-overload]

    asyncio.run(run())
    assert model.batches == [[0], [1, 4], [2], [3]]


def test_the_timeout_waits_for_more_rows() -> None:
    model = Model()
    model.go.set()

    async def run() -> None:
        with ThreadPoolExecutor(4) as threads:
            batching = runner("max_batch_size { value: 2 } batch_timeout_micros { value: 60000000 }", threads)
            one = asyncio.ensure_future(ask(batching, model, 1))
            await asyncio.sleep(0.01)
            assert model.batches == []
            assert (await ask(batching, model, 2))["y"].tolist() == [6]  # fills the batch: nobody waits for a minute
            assert (await one)["y"].tolist() == [3]
            short = runner("max_batch_size { value: 2 } batch_timeout_micros { value: 1000 }", threads)
            assert (await ask(short, model, 5))["y"].tolist() == [15]

    asyncio.run(run())
    assert model.batches == [[1, 2], [5]]


def test_a_caller_that_left_costs_the_others_nothing() -> None:
    model = Model()

    async def run() -> None:
        with ThreadPoolExecutor(4) as threads:
            batching = runner("num_batch_threads { value: 1 }", threads)
            leaver = asyncio.ensure_future(ask(batching, model, 8))
            await asyncio.to_thread(model.busy.wait, 20)
            follower = asyncio.ensure_future(ask(batching, model, 9))
            await asyncio.sleep(0)
            leaver.cancel()
            model.go.set()
            assert (await follower)["y"].tolist() == [27]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"x": np.zeros(4, np.float32)}, "Task size 4 is larger than maximum input batch size 3"),
        ({"x": np.zeros(1, np.float32), "z": np.zeros(2, np.float32)}, "must have equal 0th-dimension size"),
        ({"x": np.zeros((), np.float32)}, "must have at least one dimension"),
    ],
)
def test_refused_before_it_meets_others(inputs: dict[str, np.ndarray], said: str) -> None:
    model = Model()
    with ThreadPoolExecutor(1) as threads:
        batching = runner("max_batch_size { value: 3 }", threads)
        with pytest.raises(ServingError, match=said) as refused:
            asyncio.run(batching.run(model, SIGNATURE, inputs, ["y"]))  # type: ignore[arg-type]
    assert refused.value.code == grpc.StatusCode.INVALID_ARGUMENT
    assert model.batches == []
