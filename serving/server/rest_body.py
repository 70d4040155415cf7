"""The body of a REST request: read to its end, inflated if it is gzip, and bounded."""

import asyncio
import zlib

from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from serving.server.errors import invalid

MOST_BYTES = 100 * 2**20  # TensorFlow Serving's bound on what gzip may inflate to; here it holds for plain bodies too
_GZIP = 16 + zlib.MAX_WBITS


class ClientGoneError(Exception):
    """The client went away before its request was complete."""


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """Reads the whole body.

    Raises:
        ServingError: INVALID_ARGUMENT; it is longer than MOST_BYTES, or is said to be gzip and is not.
        ClientGoneError: The client went away.
    """
    headers = Headers(scope=scope)
    if int(headers.get("content-length", "0")) > MOST_BYTES:  # a whole number: the HTTP parser saw to that
        raise _too_long()
    chunks, length, more = [], 0, True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ClientGoneError
        chunks.append(event.get("body", b""))
        length += len(chunks[-1])
        if length > MOST_BYTES:
            raise _too_long()
        more = event.get("more_body", False)
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    if "gzip" in headers.get("content-encoding", "").lower():
        return await asyncio.to_thread(inflate, body)
    return body


def inflate(body: bytes) -> bytes:
    """What a gzip body holds.

    Raises:
        ServingError: INVALID_ARGUMENT; it is no gzip, cut short, or holds more than MOST_BYTES.
    """
    gzip = zlib.decompressobj(_GZIP)
    try:
        inflated = gzip.decompress(body, MOST_BYTES + 1)
    except zlib.error as error:
        raise invalid(f"Failed to uncompress the body, which Content-Encoding calls gzip: {error}") from error
    if len(inflated) > MOST_BYTES:
        raise _too_long()
    if not gzip.eof or gzip.unused_data:
        raise invalid("Failed to uncompress the body: expected one whole gzip stream, and it is cut short or goes on.")
    return inflated


def _too_long() -> Exception:
    return invalid(f"The body is longer than {MOST_BYTES} bytes: send fewer rows at a time.")
