"""Convert TensorProtos to arrays and back; the protos come from unchecked requests."""

import math

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2

from serving.server.errors import InvalidArgumentError

# Limit in bytes of repeated values in one proto. TensorFlow repeats the last value up to the shape, so a few bytes of
# shape could claim any amount of memory.
_MOST_REPEATED = 4 * 2**20
# Limit of elements written one by one; larger tensors are packed, which takes a hundredth of the time.
_MOST_UNPACKED = 2**16
# The field of a TensorProto that holds the values of a dtype, as TensorFlow Serving writes it.
_FIELDS = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.int64: "int64_val",
    tf.bool: "bool_val",
    tf.int32: "int_val",
    tf.int16: "int_val",
    tf.int8: "int_val",
    tf.uint8: "int_val",
    tf.uint16: "int_val",
    tf.string: "string_val",
}
_PLAIN = {dtype.as_datatype_enum: (np.dtype(dtype.as_numpy_dtype), field) for dtype, field in _FIELDS.items()}
_WRITTEN = {np.dtype(dtype.as_numpy_dtype): (dtype.as_datatype_enum, field) for dtype, field in _FIELDS.items()}
# The same for rare dtypes, which TensorFlow's own functions read and write here; they take ten times as long.
_RARE = {
    tf.float16.as_datatype_enum: "half_val",
    tf.bfloat16.as_datatype_enum: "half_val",
    tf.uint32.as_datatype_enum: "uint32_val",
    tf.uint64.as_datatype_enum: "uint64_val",
    tf.complex64.as_datatype_enum: "scomplex_val",
    tf.complex128.as_datatype_enum: "dcomplex_val",
}


def from_proto(name: str, proto: tensor_pb2.TensorProto) -> np.ndarray:
    """Convert a proto to an array; strings become objects of bytes.

    Args:
        name: the input's name, for errors.
        proto: the tensor.

    Returns:
        The array.

    Raises:
        InvalidArgumentError: The proto is not a valid tensor.
    """
    dimensions = [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or (dimensions and min(dimensions) < 0):
        raise InvalidArgumentError(f"input {name}: expected a tensor of known shape, received {proto.tensor_shape}")
    try:
        values = _values(proto)
        elements = math.prod(dimensions)
        if len(values) == elements:
            return values.reshape(dimensions)
        repeated = (elements - len(values)) * _size_of_last(values)
        if len(values) > elements or proto.tensor_content or repeated > _MOST_REPEATED:
            raise InvalidArgumentError(
                f"input {name}: tensor parsing error: its shape {dimensions} holds {elements} values, and "
                f"{len(values)} were sent"
            )
        if not len(values):
            return np.full(dimensions, b"" if proto.dtype == types_pb2.DT_STRING else 0, values.dtype)
        return np.pad(values, (0, elements - len(values)), "edge").reshape(dimensions)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidArgumentError(f"input {name}: tensor parsing error: {error}") from error


def to_proto(array: np.ndarray) -> tensor_pb2.TensorProto:
    """Convert an array to a proto.

    The values go into the field of their type, or are packed into bytes if there are many or the dtype is rare.

    Args:
        array: of any shape and dtype that TensorFlow knows.

    Returns:
        The proto.
    """
    number, field = _WRITTEN.get(array.dtype, (0, ""))
    if not field or (array.size > _MOST_UNPACKED and array.dtype != object):
        return tf.make_tensor_proto(array)
    proto = tensor_pb2.TensorProto(dtype=number)
    proto.tensor_shape.SetInParent()  # needed for scalars, whose shape has no dimensions
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, field).extend(array.ravel().tolist())
    return proto


def _values(proto: tensor_pb2.TensorProto) -> np.ndarray:
    """Return the values that the proto holds, flat, in the proto's dtype.

    Raises:
        ValueError: The dtype cannot be sent, or the bytes are not a whole number of values.
    """
    if proto.dtype in _PLAIN:
        dtype, field = _PLAIN[proto.dtype]
        if not proto.tensor_content:
            return np.array(list(getattr(proto, field)), dtype)  # a list makes this a third faster
        if proto.dtype == types_pb2.DT_STRING:
            raise ValueError("strings are sent in string_val, not in tensor_content")
        return np.frombuffer(proto.tensor_content, dtype)
    if proto.dtype not in _RARE:
        raise ValueError("a tensor of this type cannot be sent")
    flat = tensor_pb2.TensorProto()
    flat.CopyFrom(proto)
    dtype = tf.as_dtype(proto.dtype)
    sent = len(getattr(proto, _RARE[proto.dtype])) // (2 if dtype.is_complex else 1)
    if proto.tensor_content:
        sent = len(np.frombuffer(proto.tensor_content, dtype.as_numpy_dtype))
    del flat.tensor_shape.dim[:]
    flat.tensor_shape.dim.add(size=sent)
    return tf.make_ndarray(flat) if sent else np.zeros(0, dtype.as_numpy_dtype)


def _size_of_last(values: np.ndarray) -> int:
    """Return the bytes that a copy of the last value takes."""
    return len(values[-1]) + values.itemsize if values.dtype == object and len(values) else values.itemsize
