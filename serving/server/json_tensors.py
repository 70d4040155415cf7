"""Parse the JSON of Predict, and write its answer, as TensorFlow Serving does.

A body holds `instances` (rows: a value, or an object of named values, for each example) or `inputs` (columns: a tensor,
or an object of named tensors). Rows are converted to columns first, so 512 rows cost little more Python than one.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Protocol

import numpy as np

from serving.server.errors import InvalidArgumentError, ServingError
from serving.server.json_arrays import array_text, read_array
from serving.server.json_values import is_b64, parse_object, shown, signature_name_of

# Rows checked one by one to explain an error, at 20 µs each. For later rows the message is a general one.
_MOST_EXPLAINED = 5000
_WRITTEN_TOGETHER = 1000  # rows of named outputs; see serving.server.json_arrays


class TensorType(Protocol):
    """The part of a signature's input that is used: a TensorInfo, where TensorFlow is loaded."""

    @property
    def dtype(self) -> int:
        """Return the number of the data type."""
        ...


_Inputs = Mapping[str, TensorType]


@dataclass(frozen=True)
class PredictBody:
    """The body of a predict request, parsed but not checked against a signature.

    Attributes:
        signature_name: as sent; "" when it was not sent.
        document: the whole JSON object.
    """

    signature_name: str
    document: dict[str, Any]

    @property
    def rows(self) -> bool:
        """Return whether the request has rows, so that the answer has rows, too."""
        return "instances" in self.document

    def tensors(self, inputs: _Inputs) -> dict[str, np.ndarray]:
        """Convert the body to the tensors of a signature.

        Args:
            inputs: the signature's inputs by name.

        Returns:
            For each input an array of the signature's dtype; strings as object arrays of bytes. For rows, the first
            dimension is the number of rows.

        Raises:
            InvalidArgumentError: The values do not fit the signature.
            ServingError: UNIMPLEMENTED; JSON cannot represent the dtype of a column.
        """
        if not inputs:
            raise InvalidArgumentError(f"Failed to get input map for signature: {self.signature_name or 'DEFAULT'}")
        with np.errstate(over="ignore"):  # 1e300 becomes infinite in a float tensor, without a warning
            if self.rows:
                return _from_rows(self._instances(), inputs)
            if "inputs" not in self.document:
                raise InvalidArgumentError("Missing 'inputs' or 'instances' key")
            return _from_columns(self.document["inputs"], inputs)

    def _instances(self) -> list[Any]:
        instances = self.document["instances"]
        if "inputs" in self.document:
            problem = "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist"
        elif type(instances) is not list:
            problem = "Expecting 'instances' to be a list/array"
        elif not instances:
            problem = "No values in 'instances' array"
        else:
            return instances
        raise InvalidArgumentError(f"JSON Value: {shown(self.document)} {problem}")


def parse_predict(body: bytes) -> PredictBody:
    """Parse the parts of a predict request's body that do not depend on the model.

    Args:
        body: the request's body.

    Returns:
        The parsed body.

    Raises:
        InvalidArgumentError: The body is not a JSON object, or `signature_name` is not a string.
    """
    document = parse_object(body)
    return PredictBody(signature_name_of(document), document)


def encode_predict(outputs: Mapping[str, np.ndarray], rows: bool) -> bytes:
    """Write the answer to a predict request.

    Args:
        outputs: arrays by name; strings as object arrays of bytes. If an output's name ends in `_bytes`, its strings
            are written as b64, otherwise as text, so they should hold UTF-8.
        rows: whether the request had rows.

    Returns:
        JSON. A float32 has the fewest digits that identify it; NaN and infinities are bare tokens.

    Raises:
        InvalidArgumentError: There is no output, JSON cannot represent a dtype, or, for rows, the outputs differ in
            their number of rows.
    """
    if not outputs:
        raise InvalidArgumentError("Cannot convert empty tensor map to JSON")
    if rows:
        _check_batch(outputs)
    if len(outputs) == 1:
        ((name, array),) = outputs.items()
        answer = array_text(name, array)
    elif rows:
        answer = f"[{', '.join(_named_rows(outputs))}]"
    else:
        texts = (f"{json.dumps(name)}: {array_text(name, array)}" for name, array in outputs.items())
        answer = "{" + ", ".join(texts) + "}"
    key = "predictions" if rows else "outputs"
    return f'{{"{key}": {answer}}}'.encode(errors="surrogateescape")


def _named_rows(outputs: Mapping[str, np.ndarray]) -> Iterator[str]:
    """Yield rows as JSON objects, in chunks, without the brackets around them."""
    rows = len(next(iter(outputs.values())))
    for begin in range(0, rows, _WRITTEN_TOGETHER):
        parts = {name: array[begin : begin + _WRITTEN_TOGETHER] for name, array in outputs.items()}
        columns = [json.loads(array_text(name, part)) for name, part in parts.items()]
        named = [dict(zip(parts, row, strict=True)) for row in zip(*columns, strict=True)]
        yield json.dumps(named, ensure_ascii=False)[1:-1]


def _from_columns(value: Any, inputs: _Inputs) -> dict[str, np.ndarray]:
    if type(value) is not dict or is_b64(value):
        if len(inputs) > 1:
            raise InvalidArgumentError(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        ((name, info),) = inputs.items()
        return {name: read_array(value, info.dtype)}
    for name in inputs:
        if name not in value:
            raise InvalidArgumentError(f"Missing named input: {name} in 'inputs' object.")
    return {name: read_array(value[name], info.dtype) for name, info in inputs.items()}


def _from_rows(instances: list[Any], inputs: _Inputs) -> dict[str, np.ndarray]:
    first = instances[0]
    if len(inputs) > 1 and (type(first) is not dict or is_b64(first)):
        raise InvalidArgumentError(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    named = type(first) is dict and not is_b64(first)
    try:
        if named:
            columns = _columns(instances, inputs)
            return {name: read_array(columns[name], info.dtype) for name, info in inputs.items()}
        if dict in set(map(type, instances)) and not all(type(row) is not dict or is_b64(row) for row in instances):
            raise InvalidArgumentError("a row is an object")
        ((name, info),) = inputs.items()
        return {name: read_array(instances, info.dtype)}
    except ServingError as error:
        # The rows do not fit as a whole. TensorFlow Serving, which takes them one by one, says which row and why.
        _check_rows(instances, inputs, named)
        raise InvalidArgumentError(
            f"Failed to process 'instances' list. Error: {error.code.name}: {error.message}"
        ) from error


def _columns(instances: list[Any], inputs: _Inputs) -> dict[str, list[Any]]:
    """Return the values of each input, row by row.

    Raises:
        InvalidArgumentError: A row is not an object with exactly these keys.
    """
    values_among_them = "b64" in inputs and any(map(is_b64, instances))
    if values_among_them or set(map(type, instances)) != {dict} or set(map(len, instances)) != {len(inputs)}:
        raise InvalidArgumentError("the rows are not all objects of the same size")
    try:
        return {name: list(map(itemgetter(name), instances)) for name in inputs}
    except KeyError as error:
        raise InvalidArgumentError(f"a row has no {error}") from error


def _check_rows(instances: list[Any], inputs: _Inputs, named: bool) -> None:
    """Check the rows one by one, as TensorFlow Serving does.

    Raises:
        InvalidArgumentError: A row does not fit. The message names the first one, if it is among the first
            _MOST_EXPLAINED.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for number, row in enumerate(instances[:_MOST_EXPLAINED]):
        plain = type(row) is not dict or is_b64(row)
        if named and plain:
            raise InvalidArgumentError(f"Expecting object but got list at item {number} of input list")
        if not named and not plain:
            raise InvalidArgumentError(f"Expecting value/list but got object at item {number} of input list")
        for name, value in row.items() if named else [(next(iter(inputs)), row)]:
            where = f"element: {number} key: {name}" if named else f"element: {number}"
            try:
                _check_item(value, name, inputs, shapes)
            except ServingError as error:
                raise InvalidArgumentError(
                    f"Failed to process {where} of 'instances' list. Error: {error.code.name}: {error.message}"
                ) from error
        if named and row.keys() != set(inputs):
            raise InvalidArgumentError(
                f"Failed to process element: {number} of 'instances' list. JSON object: {shown(row)} keys must be "
                f"equal to: {','.join(sorted(inputs))}"
            )


def _check_item(value: Any, name: str, inputs: _Inputs, shapes: dict[str, tuple[int, ...]]) -> None:
    """Check one row's value of an input against the signature, and against the first row's shape."""
    if name not in inputs:
        raise InvalidArgumentError(f"JSON object: does not have named input: {name}")
    array = read_array(value, inputs[name].dtype)
    shape = shapes.setdefault(name, array.shape)
    size = int(np.prod(shape))
    if array.size != size:
        raise InvalidArgumentError(f"Expecting tensor size: {size} but got: {array.size}")
    if array.shape != shape:
        raise InvalidArgumentError(f"Expecting shape {_shape_text(shape)} but got: {_shape_text(array.shape)}")


def _shape_text(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _check_batch(outputs: Mapping[str, np.ndarray]) -> None:
    batch = None
    for name, array in outputs.items():
        if not array.shape:
            raise InvalidArgumentError(f"Tensor name: {name} has no shape information")
        if batch is not None and array.shape[0] != batch:
            raise InvalidArgumentError(
                f"Tensor name: {name} has inconsistent batch size: {array.shape[0]} expecting: {batch}"
            )
        batch = array.shape[0]
