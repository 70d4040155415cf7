"""Large bodies: read in another process, with the same answers, within its memory, one at a time."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from starlette.types import Message
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from serving.server import json_child, rest
from serving.server.dtypes import DataType, name_of
from serving.server.errors import ServingError
from serving.server.json_examples import parse_examples
from serving.server.json_tensors import parse_predict
from serving.server.large_json import JsonProcess, LargeJson
from serving.server.service import Answer
from tests.serving.running_server import ROOT

pytestmark = pytest.mark.slow

TRIP = {"miles": types_pb2.DT_FLOAT, "seconds": types_pb2.DT_INT64, "company": types_pb2.DT_STRING}
ROWS = [{"miles": 0.5 * number, "seconds": number, "company": f"Grün {number}"} for number in range(5000)]


def signature(**dtypes: int) -> meta_graph_pb2.SignatureDef:
    made = meta_graph_pb2.SignatureDef()
    for name, dtype in dtypes.items():
        made.inputs[name].dtype = dtype
    return made


def body(document: object) -> bytes:
    return json.dumps(document).encode()


def reading(steps: Callable[[JsonProcess], Awaitable[Any]], **options: Any) -> Any:
    """What the steps return, given a reader."""

    async def run() -> Any:
        reader = JsonProcess(**options)
        try:
            return await steps(reader)
        finally:
            reader.close()

    return asyncio.run(run())


async def tensors(reader: JsonProcess, sent: bytes, **dtypes: int) -> dict[str, np.ndarray]:
    async with reader.predict(sent) as large:
        return await large.tensors(signature(**dtypes).inputs)


def test_the_same_tensors_as_in_this_process() -> None:
    sent = [
        (body({"instances": ROWS, "signature_name": "raw"}), TRIP),
        (body({"inputs": {"miles": [[1.5, 2]], "seconds": 3, "company": []}}), TRIP),
        (b'{"instances": [NaN, -Infinity, 1e300]}', {"x": types_pb2.DT_FLOAT}),
        (b'{"instances": [[true], [false]]}', {"x": types_pb2.DT_BOOL}),
        (b'{"inputs": {"b64": "/w=="}}', {"x": types_pb2.DT_STRING}),
    ]

    async def steps(reader: JsonProcess) -> None:
        for text, dtypes in sent:
            expected = parse_predict(text)
            async with reader.predict(text) as large:
                assert (large.signature_name, large.rows) == (expected.signature_name, expected.rows)
                found = await large.tensors(signature(**dtypes).inputs)
            for name, array in expected.tensors(signature(**dtypes).inputs).items():
                assert found[name].dtype == array.dtype
                np.testing.assert_array_equal(found[name], array)
        examples = body({"context": {"a": 1}, "examples": ROWS})
        assert await reader.examples(examples) == parse_examples(examples)

    reading(steps)


def test_the_same_errors_as_in_this_process() -> None:
    async def steps(reader: JsonProcess) -> None:
        for text in (b"{", b"[]", b'{"instances": []}', body({"instances": [*ROWS, {"miles": "x"}]})):
            with pytest.raises(ServingError) as here:
                parse_predict(text).tensors(signature(**TRIP).inputs)
            with pytest.raises(ServingError) as there:
                await tensors(reader, text, **TRIP)
            assert (there.value.code, there.value.message) == (here.value.code, here.value.message)
        with pytest.raises(ServingError, match="key 'examples' is expected"):
            await reader.examples(b"{}")

    reading(steps)


def test_a_body_that_takes_too_much_memory() -> None:
    async def steps(reader: JsonProcess) -> dict[str, np.ndarray]:
        with pytest.raises(ServingError, match="takes too much memory") as error:
            await tensors(reader, b'{"instances": [' + b"[]," * 8_000_000 + b"[]]}", x=types_pb2.DT_FLOAT)
        assert error.value.code is grpc.StatusCode.INVALID_ARGUMENT
        return await tensors(reader, b'{"instances": [1]}', x=types_pb2.DT_FLOAT)

    assert reading(steps, most_mebibytes=400)["x"] == [1]


def test_an_answer_that_nobody_waits_for_is_not_the_next_ones() -> None:
    async def steps(reader: JsonProcess) -> dict[str, np.ndarray]:
        await tensors(reader, b'{"instances": [1]}', x=types_pb2.DT_FLOAT)  # the process runs
        slow = asyncio.ensure_future(tensors(reader, body({"instances": ROWS * 20}), **TRIP))
        await asyncio.sleep(0.05)
        slow.cancel()
        found = await tensors(reader, b'{"instances": [2]}', x=types_pb2.DT_FLOAT)
        assert slow.cancelled()
        return found

    assert reading(steps)["x"] == [2]


def test_a_process_that_is_killed_costs_its_request_only() -> None:
    async def steps(reader: JsonProcess) -> dict[str, np.ndarray]:
        async with reader.predict(b'{"instances": [1]}') as large:
            assert reader._process is not None
            reader._process.kill()
            with pytest.raises(ServingError) as error:
                await large.tensors(signature(x=types_pb2.DT_FLOAT).inputs)
        assert error.value.code is grpc.StatusCode.UNAVAILABLE
        return await tensors(reader, b'{"instances": [2]}', x=types_pb2.DT_FLOAT)

    assert reading(steps)["x"] == [2]


def test_large_bodies_wait_for_one_another() -> None:
    async def steps(reader: JsonProcess) -> list[dict[str, np.ndarray]]:
        sent = [body({"instances": [number] * 1000}) for number in range(8)]
        return await asyncio.gather(*(tensors(reader, each, x=types_pb2.DT_INT32) for each in sent))

    assert [set(found["x"].tolist()) for found in reading(steps)] == [{number} for number in range(8)]


def test_the_process_ends_with_its_server() -> None:
    command = [sys.executable, "-m", "serving.server.json_child", "512"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        json_child.write_frame(process.stdin, json_child.PREDICT.encode())
        process.stdin.close()
        assert process.wait(60) == 0


def test_rest_reads_large_bodies_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a large body is parsed by the interpreter that answers the others."""

    class EchoService:
        async def predict(self, spec: Any, read_inputs: Any, unknown_signature: Any, *, entrypoint: str) -> Answer:
            asked = signature(x=types_pb2.DT_INT32)
            return Answer(spec, dict(await read_inputs(asked, asked.inputs)))

    def here(_: bytes) -> Any:
        raise AssertionError("parsed in the server's own interpreter")

    async def ask() -> tuple[Any, Any]:
        large_json = LargeJson()
        app = rest.rest_app(EchoService(), None, bytes, large_json=large_json)  # type: ignore[arg-type]
        try:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server") as client:
                large = await client.post("/v1/models/echo:predict", content=body({"instances": [7] * 200_000}))
                return large.json(), (await client.post("/v1/models/echo:predict", content=b"{}")).json()
        finally:
            large_json.close()

    monkeypatch.setattr(rest, "parse_predict", here)
    large, small = asyncio.run(ask())
    assert large == {"predictions": [7] * 200_000}
    assert small == {"error": "Internal error; see the server's log."}  # the planted one


def test_a_very_large_body_keeps_no_other_waiting() -> None:
    """Here one that is never read to its end."""

    async def run() -> dict[str, np.ndarray]:
        large_json = LargeJson()
        try:
            very_large = b'{"instances": [1]}' + bytes(8 * 2**20)
            with pytest.raises(ServingError, match="JSON Parse error"):
                await tensors(large_json.of(very_large), very_large, x=types_pb2.DT_FLOAT)
            assert large_json.of(very_large)._process is None  # its memory is given back
            async with large_json.of(very_large).predict(b'{"instances": [1]}'):
                sent = body({"instances": [2] * 1000})
                return await tensors(large_json.of(sent), sent, x=types_pb2.DT_FLOAT)
        finally:
            large_json.close()

    assert set(asyncio.run(run())["x"].tolist()) == {2}


def test_an_interrupt_from_the_terminal_is_for_the_server() -> None:
    """It goes to every process of the server's group, which has to answer what it has begun."""

    async def steps(reader: JsonProcess) -> int:
        await tensors(reader, b'{"instances": [1]}', x=types_pb2.DT_FLOAT)
        assert reader._process is not None
        return os.getpgid(reader._process.pid)

    assert reading(steps) != os.getpgid(0)


def test_a_client_that_goes_away_is_not_worked_for() -> None:
    class WaitingService:
        async def predict(self, *_: Any, **__: Any) -> Answer:
            await asyncio.Event().wait()
            raise AssertionError

    async def run() -> None:
        sent = body({"instances": [7] * 200_000})
        large_json, arriving = LargeJson(), asyncio.Queue[Message]()
        app = rest.rest_app(WaitingService(), None, bytes, large_json=large_json)  # type: ignore[arg-type]
        path = b"/v1/models/line:predict"
        scope = {"type": "http", "method": "POST", "raw_path": path, "query_string": b"", "headers": []}

        async def send(_: Message) -> None:
            raise AssertionError("nobody is there")

        arriving.put_nowait({"type": "http.request", "body": sent, "more_body": False})
        arriving.put_nowait({"type": "http.disconnect"})
        try:
            async with asyncio.timeout(60):
                await app(scope, arriving.get, send)
            # The process is not held by the one that left.
            assert await tensors(large_json.of(sent), b'{"instances": [1]}', x=types_pb2.DT_FLOAT) == {"x": [1]}
        finally:
            large_json.close()

    asyncio.run(run())


def test_dtypes_are_tensorflows() -> None:
    theirs = {name.removeprefix("DT_"): number for name, number in types_pb2.DataType.items()}
    assert {dtype.name: dtype.value for dtype in DataType}.items() <= theirs.items()
    assert (name_of(types_pb2.DT_HALF), name_of(101)) == ("half", "type 101")
