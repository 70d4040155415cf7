"""Read the body of a REST request, inflate gzip, and limit its size."""

import asyncio
import contextlib
import zlib
from collections.abc import Coroutine, Iterator
from typing import Any

import grpc
from starlette.types import Receive, Scope

from serving.server.errors import InvalidArgumentError, ServingError

_SMALL_BYTES = 2**20  # bodies up to this size are not counted
_MOST_HELD_BYTES = 4 * 100 * 2**20  # of all requests' larger bodies together
MOST_BYTES = 100 * 2**20  # TensorFlow Serving's limit of inflated gzip; here it applies to plain bodies, too
_TOO_LONG = f"The body is longer than {MOST_BYTES} bytes: send fewer rows at a time."
_GZIP = 16 + zlib.MAX_WBITS


class ClientGoneError(Exception):
    """The client went away before its request was complete."""


class BodyMemory:
    """Limit the memory of large bodies that are being read or answered. Use it from one event loop.

    Args:
        most: bytes, of all bodies together.
    """

    def __init__(self, most: int = _MOST_HELD_BYTES):
        self._most = most
        self._held = 0

    @contextlib.contextmanager
    def share(self) -> Iterator["MemoryShare"]:
        """Track the memory of one request; release it when the block ends.

        Yields:
            The request's share.
        """
        share = MemoryShare(self)
        try:
            yield share
        finally:
            self._held -= share.held

    def take(self, more: int) -> None:
        """Reserve bytes.

        Args:
            more: the number of bytes.

        Raises:
            ServingError: RESOURCE_EXHAUSTED; not enough are left.
        """
        if self._held + more > self._most:
            raise ServingError(
                grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many large requests are being read: try again later."
            )
        self._held += more


class MemoryShare:
    """The bytes of one request's body."""

    def __init__(self, memory: BodyMemory):
        self._memory = memory
        self.held = 0

    def grow_to(self, length: int) -> None:
        """Count the body's length so far, if the body is large.

        Args:
            length: bytes.

        Raises:
            ServingError: See BodyMemory.take.
        """
        if length > max(self.held, _SMALL_BYTES):
            self._memory.take(length - self.held)
            self.held = length


async def read_body(scope: Scope, receive: Receive, share: MemoryShare | None = None) -> bytes:
    """Read the whole body.

    Args:
        scope: the request's scope.
        receive: returns the body's parts.
        share: counts the body in BodyMemory; None skips the count.

    Returns:
        The body, inflated.

    Raises:
        InvalidArgumentError: The body is longer than MOST_BYTES, or is declared as gzip and is not.
        ServingError: RESOURCE_EXHAUSTED; other large bodies take the memory.
        ClientGoneError: The client went away.
    """
    headers = dict(reversed(scope["headers"]))  # names are lower-case; the first of repeated headers wins
    if int(headers.get(b"content-length", b"0")) > MOST_BYTES:  # a whole number: the HTTP parser checked it
        raise InvalidArgumentError(_TOO_LONG)
    chunks, length, more = [], 0, True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ClientGoneError
        chunks.append(event.get("body", b""))
        length += len(chunks[-1])
        if length > MOST_BYTES:
            raise InvalidArgumentError(_TOO_LONG)
        if share:
            share.grow_to(length)
        more = event.get("more_body", False)
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    if b"gzip" in headers.get(b"content-encoding", b"").lower():
        inflated = await asyncio.to_thread(inflate, body)
        if share:
            share.grow_to(length + len(inflated))
        return inflated
    return body


async def while_connected(receive: Receive, work: Coroutine[Any, Any, bytes]) -> bytes:
    """Await work; cancel it when the client goes away.

    Args:
        receive: of a request whose body has been read.
        work: makes the answer.

    Returns:
        The result of the work.

    Raises:
        ClientGoneError: The client went away.
    """

    async def leave() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(leave())
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGoneError
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


def inflate(body: bytes) -> bytes:
    """Inflate a gzip body.

    Args:
        body: one gzip stream.

    Returns:
        Its content.

    Raises:
        InvalidArgumentError: The body is not gzip, is cut short, or holds more than MOST_BYTES.
    """
    gzip = zlib.decompressobj(_GZIP)
    try:
        inflated = gzip.decompress(body, MOST_BYTES + 1)
    except zlib.error as error:
        raise InvalidArgumentError(
            f"Failed to uncompress the body, which Content-Encoding calls gzip: {error}"
        ) from error
    if len(inflated) > MOST_BYTES:
        raise InvalidArgumentError(_TOO_LONG)
    if not gzip.eof or gzip.unused_data:
        raise InvalidArgumentError(
            "Failed to uncompress the body: expected one whole gzip stream, received one that is cut short or followed "
            "by more data."
        )
    return inflated
