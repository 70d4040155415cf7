"""TensorProto to array and back, for requests that nobody has checked yet."""

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from serving.server.errors import invalid

# Elements that one proto may claim beyond those it holds: TensorFlow repeats the last value up to the shape, and a
# shape costs its sender a few bytes.
_MOST_REPEATED = 2**24
# Where a TensorProto keeps values of a dtype, as TensorFlow Serving writes them.
_FIELDS = {
    np.dtype(np.float32): "float_val",
    np.dtype(np.float64): "double_val",
    np.dtype(np.int64): "int64_val",
    np.dtype(np.bool_): "bool_val",
    np.dtype(np.int32): "int_val",
    np.dtype(np.int16): "int_val",
    np.dtype(np.int8): "int_val",
    np.dtype(np.uint8): "int_val",
    np.dtype(np.uint16): "int_val",
    np.dtype(object): "string_val",
}
# Those that are written packed into bytes, and read from either.
_FIELDS_ONLY_READ = {
    tf.float16: "half_val",
    tf.bfloat16: "half_val",
    tf.uint32: "uint32_val",
    tf.uint64: "uint64_val",
    tf.complex64: "scomplex_val",
    tf.complex128: "dcomplex_val",
}


def from_proto(name: str, proto: tensor_pb2.TensorProto) -> np.ndarray:
    """The array in a proto; strings as objects of bytes.

    Raises:
        ServingError: INVALID_ARGUMENT; the proto holds no tensor.
    """
    dimensions = [dim.size for dim in proto.tensor_shape.dim]
    elements = 1
    for size in dimensions:
        elements *= size
    if proto.tensor_shape.unknown_rank or min(dimensions, default=0) < 0:
        raise invalid(f"input {name}: expected a tensor of known shape, received {proto.tensor_shape}")
    try:
        dtype = tf.as_dtype(proto.dtype)
        written = _values_written(proto, dtype)
        if elements > written + _MOST_REPEATED or (proto.tensor_content and elements != written):
            raise ValueError(f"its shape {dimensions} holds {elements} values, and {written} were sent")
        if elements and not written:
            return np.full(dimensions, b"" if dtype == tf.string else 0, dtype.as_numpy_dtype)
        array = tf.make_ndarray(proto) if written else np.zeros(dimensions, dtype.as_numpy_dtype)
        return array.reshape(dimensions)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise invalid(f"input {name}: tensor parsing error: {error}") from error


def to_proto(array: np.ndarray) -> tensor_pb2.TensorProto:
    """The proto of an array, its values in the field of their type and not packed into bytes."""
    field = _FIELDS.get(array.dtype)
    if field is None:
        return tf.make_tensor_proto(array)
    proto = tensor_pb2.TensorProto(dtype=tf.as_dtype(array.dtype).as_datatype_enum)
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, field).extend(array.ravel().tolist())
    return proto


def _values_written(proto: tensor_pb2.TensorProto, dtype: tf.DType) -> int:
    """How many values the proto holds of its own dtype.

    Raises:
        ValueError: Its bytes are not a whole number of values, or of a dtype that has no plain bytes.
    """
    if proto.tensor_content:
        if dtype == tf.string:
            raise ValueError("strings are sent in string_val, not in tensor_content")
        values, rest = divmod(len(proto.tensor_content), np.dtype(dtype.as_numpy_dtype).itemsize)
        if rest:
            raise ValueError(f"tensor_content of {len(proto.tensor_content)} bytes is no whole number of {dtype.name}")
        return values
    field = _FIELDS_ONLY_READ.get(dtype) or _FIELDS.get(np.dtype(dtype.as_numpy_dtype))
    if field is None:
        raise ValueError(f"a tensor of {dtype.name} cannot be sent")
    return len(getattr(proto, field)) // (2 if dtype.is_complex else 1)
