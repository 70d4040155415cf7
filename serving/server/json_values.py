"""JSON that nobody has checked yet, as TensorFlow Serving reads it: documents, and values as errors repeat them."""

import base64
import binascii
import json
from typing import Any

from serving.server.errors import invalid

_MOST_SHOWN = 1000  # characters of a value that an error repeats
_PARSE_ERRORS = {  # RapidJSON's words, which TensorFlow Serving repeats
    "Expecting value": "Invalid value.",
    "Extra data": "The document root must not be followed by other values.",
}
_TYPES = {type(None): "Null", dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}


def parse_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object. NaN, Infinity and -Infinity are numbers; of a key that stands there twice the last counts.

    Raises:
        ServingError: INVALID_ARGUMENT; it is no JSON in UTF-8, is nested too deep, holds a number of thousands of
            digits or half of a surrogate pair, or it is not an object.
    """
    try:
        document = json.loads(body.decode().removeprefix("\ufeff"))
        if b"\\ud" in body or b"\\uD" in body:
            json.dumps(document, ensure_ascii=False).encode()  # no proto and no tensor holds half of a pair
    except json.JSONDecodeError as error:
        if not body.strip():
            raise invalid("JSON Parse error: The document is empty") from error
        what = _PARSE_ERRORS.get(error.msg, f"{error.msg}.")
        raise invalid(f"JSON Parse error: {what} at offset: {error.pos}") from error
    except UnicodeDecodeError as error:
        raise invalid(f"JSON Parse error: Invalid encoding, expected UTF-8. at offset: {error.start}") from error
    except UnicodeEncodeError as error:
        raise invalid("JSON Parse error: The surrogate pair in string is invalid.") from error
    except RecursionError as error:
        raise invalid("JSON Parse error: The document is nested too deep.") from error
    except ValueError as error:  # an integer of more digits than Python reads
        raise invalid(f"JSON Parse error: Number too big. {error}") from error
    if type(document) is not dict:
        raise invalid(f"JSON Value: {shown(document)} Is not object")
    return document


def signature_name_of(document: dict[str, Any]) -> str:
    """The `signature_name` of a request; "" when there is none.

    Raises:
        ServingError: INVALID_ARGUMENT; it is no string.
    """
    name = document.get("signature_name", "")
    if type(name) is not str:
        raise invalid(
            f"JSON Value: {shown(document)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return name


def is_b64(value: Any) -> bool:
    """Whether a JSON value spells bytes: {"b64": "…"}."""
    return type(value) is dict and len(value) == 1 and type(value.get("b64")) is str


def decode_b64(value: Any) -> bytes:
    """The bytes that {"b64": "…"} spells: the standard alphabet, white space allowed, padding optional.

    Raises:
        ServingError: INVALID_ARGUMENT; it does not spell any.
    """
    if not is_b64(value):
        raise invalid(f"JSON Value: {shown(value)} not formatted correctly for base64 data")
    try:
        text = b"".join(value["b64"].encode("ascii").split())
        return base64.b64decode(text if b"=" in text else text + b"=" * (-len(text) % 4), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise invalid(f"Unable to base64 decode {shown(value)}: {error}") from error


def json_type(value: Any) -> str:
    """What errors call the type of a JSON value."""
    return str(value) if type(value) is bool else _TYPES[type(value)]


def shown(value: Any) -> str:
    """A JSON value as errors repeat it: its first thousand characters."""
    text = ""
    try:
        for piece in json.JSONEncoder(ensure_ascii=False).iterencode(value):
            text += piece[: _MOST_SHOWN + 1]
            if len(text) > _MOST_SHOWN:
                break
    except RecursionError:
        text += "…"
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…"
