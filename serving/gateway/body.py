"""Read the body of a request, up to a limit."""

import asyncio

import pydantic_core
from starlette.requests import ClientDisconnect, Request

from serving.gateway.problems import ProblemError
from serving.gateway.settings import RequestLimits


async def read_json(request: Request, limits: RequestLimits) -> object:
    """Parse the body as JSON. NaN and Infinity are accepted, so that the field's own check can name them.

    Args:
        request: the request.
        limits: of size and time.

    Returns:
        The value.

    Raises:
        ProblemError: As `read_body`; 400, the body is not JSON in UTF-8.
    """
    body = await read_body(request, limits, "application/json", "JSON")
    try:
        return pydantic_core.from_json(body)
    except ValueError as error:
        raise ProblemError(400, "invalid_json", f"The body is not JSON: {error}.") from error


async def read_body(request: Request, limits: RequestLimits, media_type: str, noun: str) -> bytes:
    """Read the body, which the request must declare as a media type.

    Args:
        request: the request.
        limits: of size and time.
        media_type: the expected type.
        noun: the type's name in messages.

    Returns:
        The bytes.

    Raises:
        ProblemError: 400, the body breaks off; 408, it takes too long; 413, it is too large; 415, it is declared as
            something else.
    """
    stated = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if stated != media_type:
        raise ProblemError(
            415,
            "unsupported_media_type",
            f"The body is not declared as {noun}: expected Content-Type: {media_type}, received {stated[:80]!r}.",
            headers={"Accept": media_type},
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ProblemError(
            415, "unsupported_encoding", "The body is compressed: expected no Content-Encoding; send it uncompressed."
        )
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
    # Refuse a declared size that is too large, and count the bytes anyway: the size may be missing or wrong.
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
