"""Parse unchecked JSON as TensorFlow Serving does, and quote its values in errors."""

import base64
import binascii
import json
from typing import Any

from serving.server.errors import InvalidArgumentError

_MOST_SHOWN = 1000  # characters of a value that an error repeats
_PARSE_ERRORS = {  # RapidJSON's messages, which TensorFlow Serving returns
    "Expecting value": "Invalid value.",
    "Extra data": "The document root must not be followed by other values.",
}
_TYPES = {type(None): "Null", dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}


def parse_object(body: bytes) -> dict[str, Any]:
    """Parse a JSON object. NaN, Infinity and -Infinity are numbers; the last of repeated keys counts.

    Args:
        body: the text, in UTF-8.

    Returns:
        The object.

    Raises:
        InvalidArgumentError: The body is not JSON in UTF-8, is nested too deep, holds a number of thousands of digits
            or half of a surrogate pair, or is not an object.
    """
    try:
        document = json.loads(body.decode().removeprefix("\ufeff"))
        if b"\\ud" in body or b"\\uD" in body:
            json.dumps(document, ensure_ascii=False).encode()  # no proto and no tensor can hold half of a pair
    except json.JSONDecodeError as error:
        if not body.strip():
            raise InvalidArgumentError("JSON Parse error: The document is empty") from error
        what = _PARSE_ERRORS.get(error.msg, f"{error.msg}.")
        raise InvalidArgumentError(f"JSON Parse error: {what} at offset: {error.pos}") from error
    except UnicodeDecodeError as error:
        raise InvalidArgumentError(
            f"JSON Parse error: Invalid encoding, expected UTF-8. at offset: {error.start}"
        ) from error
    except UnicodeEncodeError as error:
        raise InvalidArgumentError("JSON Parse error: The surrogate pair in string is invalid.") from error
    except RecursionError as error:
        raise InvalidArgumentError("JSON Parse error: The document is nested too deep.") from error
    except ValueError as error:  # an integer with more digits than Python converts
        raise InvalidArgumentError(f"JSON Parse error: Number too big. {error}") from error
    if type(document) is not dict:
        raise InvalidArgumentError(f"JSON Value: {shown(document)} Is not object")
    return document


def signature_name_of(document: dict[str, Any]) -> str:
    """Return the `signature_name` of a request; "" when there is none.

    Args:
        document: the request's body.

    Returns:
        The name.

    Raises:
        InvalidArgumentError: The name is not a string.
    """
    name = document.get("signature_name", "")
    if type(name) is not str:
        raise InvalidArgumentError(
            f"JSON Value: {shown(document)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return name


def is_b64(value: Any) -> bool:
    """Return whether a JSON value encodes bytes, as {"b64": "AA=="} does."""
    return type(value) is dict and len(value) == 1 and type(value.get("b64")) is str


def decode_b64(value: Any) -> bytes:
    """Decode {"b64": "AA=="}: the standard alphabet, white space allowed, padding optional.

    Args:
        value: a JSON value.

    Returns:
        The bytes.

    Raises:
        InvalidArgumentError: The value does not encode bytes.
    """
    if not is_b64(value):
        raise InvalidArgumentError(f"JSON Value: {shown(value)} not formatted correctly for base64 data")
    try:
        text = b"".join(value["b64"].encode("ascii").split())
        return base64.b64decode(text if b"=" in text else text + b"=" * (-len(text) % 4), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise InvalidArgumentError(f"Unable to base64 decode {shown(value)}: {error}") from error


def json_type(value: Any) -> str:
    """Return the name of a JSON value's type for error messages."""
    return str(value) if type(value) is bool else _TYPES[type(value)]


def shown(value: Any) -> str:
    """Return a JSON value as errors quote it: its first thousand characters."""
    text = ""
    try:
        for piece in json.JSONEncoder(ensure_ascii=False).iterencode(value):
            text += piece[: _MOST_SHOWN + 1]
            if len(text) > _MOST_SHOWN:
                break
    except RecursionError:
        text += "…"
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…"
