"""TensorProto to array and back: round trips, and protos that hold no tensor."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tensorflow.core.framework import tensor_pb2

from serving.server import tensors
from serving.server.errors import ServingError

PLAIN = ["float32", "float64", "int64", "int32", "int16", "int8", "uint8", "uint16", "bool"]
SETTINGS = settings(deadline=None, derandomize=True, max_examples=60)


@SETTINGS
@given(st.sampled_from(PLAIN).flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, min_side=0))))
def test_round_trip(array: np.ndarray) -> None:
    proto = tensors.to_proto(array)
    back = tensors.from_proto("x", proto)
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert not proto.tensor_content  # in the typed field, as TensorFlow Serving answers
    packed = tensors.from_proto("x", tf.make_tensor_proto(array))
    assert (packed.dtype, packed.shape, packed.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_round_trip_of_strings_and_other_types() -> None:
    texts = np.array([[b"Cash", b""], [b"\xff\x00", "Chicago – Loop".encode()]], dtype=object)
    assert tensors.from_proto("x", tensors.to_proto(texts)).tolist() == texts.tolist()
    for dtype in (tf.bfloat16, tf.float16, tf.uint32, tf.uint64, tf.complex64):
        array = np.array([1, 3]).astype(dtype.as_numpy_dtype)
        assert tensors.from_proto("x", tensors.to_proto(array)).tolist() == array.tolist()


def test_the_last_value_stands_for_the_rest() -> None:
    proto = tensor_pb2.TensorProto(dtype=tf.float32.as_datatype_enum, float_val=[2.5, 4])
    proto.tensor_shape.dim.add(size=4)
    assert tensors.from_proto("x", proto).tolist() == [2.5, 4, 4, 4]
    del proto.float_val[:]
    proto.int_val.append(7)  # of another type: not looked at
    assert tensors.from_proto("x", proto).tolist() == [0, 0, 0, 0]


def test_a_large_tensor_is_packed_and_reads_the_same() -> None:
    array = np.arange(200_000, dtype=np.float32)
    proto = tensors.to_proto(array)
    assert len(proto.tensor_content) == array.nbytes
    assert tensors.from_proto("x", proto).tobytes() == array.tobytes()


@pytest.mark.parametrize(
    ("dtype", "sizes", "fields"),
    [
        (tf.string, [2000], {"string_val": [b"a" * 10_000]}),  # ten kilobytes that ask for twenty megabytes
        (tf.float32, [-1], {"float_val": [1]}),
        (tf.float32, [2**40], {"float_val": [1]}),  # a few bytes that ask for terabytes
        (tf.float32, [2**62, 2**62], {"float_val": [1]}),
        (tf.float32, [1], {"float_val": [1, 2]}),
        (tf.float32, [2], {"tensor_content": b"1234"}),
        (tf.float32, [1], {"tensor_content": b"12345"}),
        (tf.qint8, [1], {"int_val": [1]}),
        (tf.string, [1], {"tensor_content": b"\x01a"}),
        (tf.resource, [1], {}),
        (tf.variant, [1], {}),
        (None, [1], {"float_val": [1]}),
    ],
)
def test_what_is_no_tensor(dtype: tf.DType | None, sizes: list[int], fields: dict[str, object]) -> None:
    proto = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum if dtype else 0, **fields)
    for size in sizes:
        proto.tensor_shape.dim.add(size=size)
    with pytest.raises(ServingError, match="input fare"):
        tensors.from_proto("fare", proto)


def test_unknown_rank_is_refused() -> None:
    proto = tensor_pb2.TensorProto(dtype=tf.float32.as_datatype_enum, float_val=[1])
    proto.tensor_shape.unknown_rank = True
    with pytest.raises(ServingError, match="expected a tensor of known shape"):
        tensors.from_proto("x", proto)


@SETTINGS
@given(st.binary(max_size=60))
def test_any_bytes_are_a_tensor_or_refused(data: bytes) -> None:
    try:
        proto = tensor_pb2.TensorProto.FromString(data)
    except DecodeError:
        return
    with contextlib.suppress(ServingError):  # either outcome is right, and no other
        assert isinstance(tensors.from_proto("x", proto), np.ndarray)


@SETTINGS
@given(
    st.integers(0, 30),
    st.lists(st.integers(-2, 2**40), max_size=3),
    st.lists(st.floats(width=32), max_size=4),
    st.binary(max_size=24),
    st.lists(st.binary(max_size=3), max_size=3),
)
def test_any_tensor_proto_is_a_tensor_or_refused(
    dtype: int, sizes: list[int], floats: list[float], content: bytes, strings: list[bytes]
) -> None:
    proto = tensor_pb2.TensorProto(
        dtype=dtype,  # type: ignore[arg-type]
        float_val=floats,
        tensor_content=content,
        string_val=strings,
    )
    for size in sizes:
        proto.tensor_shape.dim.add(size=size)
    with contextlib.suppress(ServingError):  # either outcome is right, and no other
        assert tensors.from_proto("x", proto).shape == tuple(sizes)
