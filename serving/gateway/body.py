"""What a request's body holds, read no further than the limit."""

import asyncio

import pydantic_core
from starlette.requests import ClientDisconnect, Request

from serving.gateway.problems import ProblemError
from serving.gateway.settings import RequestLimits


async def read_json(request: Request, limits: RequestLimits) -> object:
    """The value that the body spells. NaN and Infinity are read, so that a field's own check can name them.

    Raises:
        ProblemError: As `read_body`; 400, it is no JSON in UTF-8.
    """
    body = await read_body(request, limits, "application/json", "JSON")
    try:
        return pydantic_core.from_json(body)
    except ValueError as error:
        raise ProblemError(400, "invalid_json", f"The body is no JSON: {error}.") from error


async def read_body(request: Request, limits: RequestLimits, media_type: str, noun: str) -> bytes:
    """The body's bytes, which the request says to be of a media type.

    Args:
        request: whose body is read.
        limits: of size and time.
        media_type: that is expected.
        noun: what it is called in messages.

    Raises:
        ProblemError: 400, it breaks off; 408, it takes too long; 413, it is too large; 415, it says to be something
            else.
    """
    stated = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if stated != media_type:
        raise ProblemError(
            415,
            "unsupported_media_type",
            f"The body is not said to be {noun}: expected Content-Type: {media_type}, received {stated[:80]!r}.",
            headers={"Accept": media_type},
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ProblemError(415, "unsupported_encoding", "The body is compressed: expected none, send it as it is.")
    try:
        async with asyncio.timeout(limits.body_seconds):
            return await _read(request, limits.body_bytes)
    except TimeoutError as error:
        raise ProblemError(
            408,
            "body_timeout",
            f"The body did not arrive in time: expected all of it within {limits.body_seconds:g} s.",
        ) from error
    except ClientDisconnect as error:
        raise ProblemError(400, "body_cut_off", "The body broke off before its end.") from error


async def _read(request: Request, most: int) -> bytes:
    # Refused by what it says of its size, and counted all the same: it may say nothing, or lie.
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated) > most:
        raise _too_large(most, f"{stated} bytes")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise _too_large(most, "more")
    return bytes(body)


def _too_large(most: int, received: str) -> ProblemError:
    return ProblemError(
        413, "body_too_large", f"The body is too large: expected at most {most} bytes, received {received}."
    )
