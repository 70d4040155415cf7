"""The body of a request, and what the REST application does when something breaks, without a server around it."""

import asyncio
import gzip
import logging
from collections.abc import Sequence

import httpx
import pytest
from starlette.types import Message, Receive, Scope

from serving.server.errors import ServingError
from serving.server.large_json import LargeJson
from serving.server.rest import rest_app
from serving.server.rest_body import MOST_BYTES, BodyMemory, ClientGoneError, MemoryShare, inflate, read_body

MONITORING_PATH = "/metrics"


def request(**headers: str) -> Scope:
    return {
        "type": "http",
        "method": "POST",
        "raw_path": b"/v1/models/line:predict",
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }


def arriving(*messages: Message) -> Receive:
    """An ASGI channel on which these messages come, and then no more."""
    left = iter(messages)

    async def receive() -> Message:
        return next(left)

    return receive


def part(body: bytes, more_body: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more_body}


def read(messages: Sequence[Message], **headers: str) -> bytes:
    return asyncio.run(read_body(request(**headers), arriving(*messages)))


def test_parts_are_put_together() -> None:
    assert read([part(b'{"inp'), part(b""), part(b'uts": 1}', more_body=False)]) == b'{"inputs": 1}'
    assert read([part(b"", more_body=False)]) == b""


def test_gzip_comes_in_parts_too() -> None:
    packed = gzip.compress(b'{"inputs": 1}')
    assert read([part(packed[:7]), part(packed[7:], more_body=False)], content_encoding="gzip") == b'{"inputs": 1}'


@pytest.mark.slow
def test_no_more_is_read_than_may_come() -> None:
    chunk = bytes(MOST_BYTES // 2)
    assert len(read([part(chunk), part(chunk, more_body=False)])) == MOST_BYTES
    with pytest.raises(ServingError, match=f"The body is longer than {MOST_BYTES} bytes"):
        read([part(chunk), part(chunk), part(b"1")])  # and the end is not waited for
    with pytest.raises(ServingError, match=f"The body is longer than {MOST_BYTES} bytes"):
        read([], content_length=str(MOST_BYTES + 1))


@pytest.mark.slow
def test_no_more_is_inflated_than_may_come() -> None:
    assert len(inflate(gzip.compress(bytes(MOST_BYTES), compresslevel=1))) == MOST_BYTES
    with pytest.raises(ServingError, match=f"The body is longer than {MOST_BYTES} bytes"):
        inflate(gzip.compress(bytes(MOST_BYTES + 1), compresslevel=1))


def test_large_bodies_share_the_memory() -> None:
    mebibyte = 2**20
    memory = BodyMemory(4 * mebibyte)

    def read_share(share: MemoryShare, *mebibytes: int) -> bytes:
        parts = [part(bytes(each * mebibyte)) for each in mebibytes]
        return asyncio.run(read_body(request(), arriving(*parts, part(b"", more_body=False)), share))

    with memory.share() as one, memory.share() as other:
        read_share(one, 1, 1, 1)
        read_share(other, 1)  # a small one always fits
        with pytest.raises(ServingError, match="Too many large requests") as error:
            read_share(other, 1, 1)
        assert error.value.http_status == 429
    with memory.share() as later:
        assert len(read_share(later, 4)) == 4 * mebibyte


def test_a_gzip_body_counts_as_what_it_holds() -> None:
    packed = gzip.compress(bytes(3 * 2**20))
    reading = request(content_encoding="gzip"), arriving(part(packed, more_body=False))
    with BodyMemory(2**21).share() as share, pytest.raises(ServingError, match="Too many large requests"):
        asyncio.run(read_body(*reading, share))


@pytest.mark.parametrize("padding", [0, 2**18], ids=["small", "large"])
def test_an_answer_that_takes_too_long(padding: int) -> None:
    class NeverService:
        async def predict(self, *_: object, **__: object) -> None:
            await asyncio.Event().wait()

    async def ask() -> httpx.Response:
        large_json = LargeJson()
        app = rest_app(NeverService(), None, bytes, large_json=large_json, seconds=0.01)  # type: ignore[arg-type]
        try:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server") as client:
                return await client.post("/v1/models/line:predict", content=b'{"instances": [1]}' + b" " * padding)
        finally:
            large_json.close()

    response = asyncio.run(asyncio.wait_for(ask(), 30))
    assert (response.status_code, response.json()) == (
        504,
        {"error": "Timed out: expected an answer within 0.01 s."},
    )


def test_a_client_that_leaves_gets_no_answer() -> None:
    messages = [part(b'{"inp'), {"type": "http.disconnect"}]
    with pytest.raises(ClientGoneError):
        read(messages)

    async def send(message: Message) -> None:
        raise AssertionError(f"nobody is there to read {message}")

    app = rest_app(None, None, bytes)  # type: ignore[arg-type]  # the request never gets as far as the service
    asyncio.run(app(request(), arriving(*messages), send))


def test_an_error_of_ours_is_a_500_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def render() -> bytes:
        raise ZeroDivisionError("planted")

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(rest_app(None, MONITORING_PATH, render))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            return await client.get(MONITORING_PATH)

    with caplog.at_level(logging.ERROR):
        response = asyncio.run(ask())
    assert (response.status_code, response.json()) == (500, {"error": "Internal error; see the server's log."})
    (record,) = caplog.records
    assert record.getMessage() == f"Request -: GET {MONITORING_PATH}: internal error"
    assert "planted" in (record.exc_text or "")
