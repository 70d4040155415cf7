"""Convert one tensor between JSON and NumPy: a value, or nested lists of one shape.

The set of the values' types is checked, and NumPy converts all values at once, so no Python code runs for each value.
"""

import base64
import functools
import itertools
import json
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np

from serving.server.dtypes import DataType, name_of
from serving.server.errors import InvalidArgumentError, ServingError
from serving.server.json_values import decode_b64, json_type, shown

_MOST_DIMENSIONS = 32  # NumPy's own limit before version 2
_LISTS = {list}
_STRING = DataType.STRING
_BOOL = DataType.BOOL
_INT64 = DataType.INT64
_FLOAT = DataType.FLOAT
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1  # limits of int64
_FLOATS: dict[int, np.dtype] = {DataType.FLOAT: np.dtype(np.float32), DataType.DOUBLE: np.dtype(np.float64)}
_INTS: dict[int, np.dtype] = {
    DataType.INT8: np.dtype(np.int8),
    DataType.INT16: np.dtype(np.int16),
    DataType.INT32: np.dtype(np.int32),
    DataType.INT64: np.dtype(np.int64),
    DataType.UINT8: np.dtype(np.uint8),
    DataType.UINT32: np.dtype(np.uint32),
    DataType.UINT64: np.dtype(np.uint64),
}
# Python types that json produces for a dtype's values. `type` tells bool from int, so a bool is not a number here.
_TYPES: dict[int, frozenset[type]] = (
    dict.fromkeys(_FLOATS, frozenset({int, float}))
    | dict.fromkeys(_INTS, frozenset({int}))
    | {_BOOL: frozenset({bool}), _STRING: frozenset({str, dict})}
)
# Elements written at a time: this takes milliseconds, in which no other request gets the interpreter's lock.
_WRITTEN_TOGETHER = 4096
_WRITABLE = frozenset(_INTS.values()) | {np.dtype(np.float64), np.dtype(np.bool_)}


def read_array(value: Any, dtype: int) -> np.ndarray:
    """Convert a JSON value to a tensor: nested lists of one shape, or a single value.

    Integers are accepted for floats; nothing else is converted. An integer outside the range of its dtype is refused;
    TensorFlow Serving would wrap it in int8, int16 and uint8.

    Args:
        value: the parsed JSON.
        dtype: the number of the data type.

    Returns:
        An array of the dtype; strings as an object array of bytes.

    Raises:
        InvalidArgumentError: The lists are ragged or too deep, or a value is not one of the dtype.
        ServingError: UNIMPLEMENTED; JSON cannot represent the dtype.
    """
    if type(value) is list and len(value) == 1 and (array := _single(value, dtype)) is not None:
        return array
    values, shape = (value, [len(value)]) if type(value) is list else ([value], [])
    types = set(map(type, values))
    while types == _LISTS:
        shape.append(len(values[0]))
        if len(set(map(len, values))) > 1:
            break
        values = list(itertools.chain.from_iterable(values))
        types = set(map(type, values))
    if list in types:
        raise InvalidArgumentError(_describe_ragged(value))
    if len(shape) > _MOST_DIMENSIONS:
        raise InvalidArgumentError(f"a tensor of {len(shape)} dimensions: expected at most {_MOST_DIMENSIONS}")
    allowed = _TYPES.get(dtype)
    if allowed is None:
        what = f"Conversion of JSON Value: {shown(value)} to type: {name_of(dtype)}"
        raise ServingError(grpc.StatusCode.UNIMPLEMENTED, what)
    if not types <= allowed:
        wrong = next(item for item in values if type(item) not in allowed)
        raise InvalidArgumentError(_describe_wrong_type(wrong, dtype))
    array = _flat(values, dtype)
    return array if len(shape) == 1 else array.reshape(shape)


def _single(values: list[Any], dtype: int) -> np.ndarray | None:
    """Return the array of a list of one value of a common type; None if the general conversion has to decide.

    A request for one row has such a tensor for each feature, and this takes a third of the time of the general way.
    """
    (item,) = values
    kind = type(item)
    if dtype == _INT64 and kind is int and _LOWEST <= item <= _HIGHEST:
        return np.array(values, dtype=np.int64)
    if dtype == _FLOAT and (kind is float or (kind is int and _LOWEST <= item <= _HIGHEST)):
        return np.array(values, dtype=np.float32)
    if dtype == _STRING and kind is str:
        return np.array([item.encode()], dtype=object)
    return None


def _flat(values: list[Any], dtype: int) -> np.ndarray:
    """Convert values of the right types to an array."""
    if dtype == _STRING:
        return np.array([item.encode() if type(item) is str else decode_b64(item) for item in values], dtype=object)
    if dtype == _BOOL:
        return np.array(values, dtype=np.bool_)
    if dtype in _FLOATS:
        try:
            return np.array(values, dtype=_FLOATS[dtype])
        except OverflowError as error:
            raise InvalidArgumentError(
                f"JSON Value: {shown(max(values, key=abs))} is too large for a number"
            ) from error
    low, high = _range(_INTS[dtype])
    if values and (min(values) < low or max(values) > high):
        wrong = next(item for item in values if not low <= item <= high)
        raise InvalidArgumentError(_describe_wrong_type(wrong, dtype))
    return np.array(values, dtype=_INTS[dtype])


@functools.cache
def _range(dtype: np.dtype) -> tuple[int, int]:
    limits = np.iinfo(dtype)
    return int(limits.min), int(limits.max)


def _describe_ragged(value: list[Any]) -> str:
    """Return a message that says where nested lists leave the shape of their first elements."""
    shape: list[int] = []
    first: Any = value
    while type(first) is list:
        shape.append(len(first))
        first = first[0] if first else None
    items: list[Any] = [value]
    for level, size in enumerate(shape):
        for item in items:
            if type(item) is not list:
                return (
                    f"JSON Value: {shown(item)} found at incorrect level: {level + 1} in the JSON DOM. "
                    f"Expected at level: {len(shape)}"
                )
            if len(item) != size:
                return f"Encountered list at unexpected size: {len(item)} at level: {level} expected size: {size}"
        items = list(itertools.chain.from_iterable(items))
    return f"Encountered list at unexpected level: {len(shape)} expected < {len(shape)}"


def _describe_wrong_type(value: Any, dtype: int) -> str:
    return f"JSON Value: {shown(value)} Type: {json_type(value)} is not of expected type: {name_of(dtype)}"


def array_text(name: str, array: np.ndarray) -> str:
    """Write a tensor as JSON.

    Args:
        name: the output's name; if it ends in `_bytes`, strings are written as b64, otherwise as text.
        array: of any shape; strings as an object array of bytes.

    Returns:
        JSON. Bytes that are not UTF-8 appear as surrogate escapes. A float32 has the fewest digits that identify it;
        NaN and infinities are bare tokens.

    Raises:
        InvalidArgumentError: JSON cannot represent the dtype.
    """
    if array.size > _WRITTEN_TOGETHER and len(array) > 1:
        step = max(_WRITTEN_TOGETHER * len(array) // array.size, 1)
        parts = (array_text(name, array[begin : begin + step]) for begin in range(0, len(array), step))
        return f"[{', '.join(part[1:-1] for part in parts)}]"
    if array.size > _WRITTEN_TOGETHER:
        return f"[{array_text(name, array[0])}]"
    if array.dtype == np.float32:
        # NumPy writes the fewest digits of a float32; as a Python float it would have those of the nearest double.
        text = json.dumps(array.astype(np.str_).tolist()).replace('"', "")
        return text.replace("nan", "NaN").replace("inf", "Infinity") if "n" in text else text
    if array.dtype in _WRITABLE:
        return json.dumps(array.tolist())
    if array.dtype.kind == "O":
        spell = _spell_b64 if name.endswith("_bytes") else _spell_utf8
        return json.dumps(_each(array.tolist(), spell), ensure_ascii=False)
    dtype = "half" if array.dtype == np.float16 else array.dtype.name
    raise InvalidArgumentError(f"Failed to write JSON value for tensor type: {dtype}")


def _each(values: Any, spell: Callable[[bytes], Any]) -> Any:
    return [_each(value, spell) for value in values] if type(values) is list else spell(values)


def _spell_b64(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode()}


def _spell_utf8(value: bytes) -> str:
    return value.decode(errors="surrogateescape")
