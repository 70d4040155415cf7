"""Bodies of Predict to arrays, arrays to bodies: values, types, shapes, and what each error says."""

import json
import re
from collections.abc import Callable

import grpc
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as np_st
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from serving.server.errors import ServingError
from serving.server.json_tensors import encode_predict, parse_predict

FLOAT, DOUBLE, STRING, BOOL = types_pb2.DT_FLOAT, types_pb2.DT_DOUBLE, types_pb2.DT_STRING, types_pb2.DT_BOOL
INT32, INT64, UINT8, UINT64 = types_pb2.DT_INT32, types_pb2.DT_INT64, types_pb2.DT_UINT8, types_pb2.DT_UINT64
INVALID = grpc.StatusCode.INVALID_ARGUMENT
TRIP = {"miles": FLOAT, "seconds": INT64, "company": STRING}


def read(body: object, **inputs: int) -> dict[str, np.ndarray]:
    """The tensors of a body (text as it is, anything else as JSON) for inputs by name and dtype."""
    text = body if isinstance(body, str) else json.dumps(body)
    signature = meta_graph_pb2.SignatureDef()
    for name, dtype in inputs.items():
        signature.inputs[name].dtype = dtype
    return parse_predict(text.encode()).tensors(signature.inputs)


def refused(body: object, code: grpc.StatusCode = INVALID, **inputs: int) -> str:
    """The message that the body is refused with."""
    with pytest.raises(ServingError) as error:
        read(body, **inputs)
    assert error.value.code == code
    return error.value.message


def assert_array(array: np.ndarray, dtype: object, values: object) -> None:
    assert array.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(array, np.array(values, dtype=dtype))
    assert array.shape == np.array(values, dtype=dtype).shape


# --- What a body says.


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1.5, FLOAT), (2, FLOAT), (2**64, FLOAT), (1e300, FLOAT), (-(2**63), INT64), (2**63 - 1, INT64), (7, INT32),
        ("", STRING), ("Grün", STRING), ({"b64": "/w=="}, STRING), (True, BOOL),
    ],
)  # fmt: skip
def test_one_value_is_read_as_several_are(value: object, dtype: int) -> None:
    alone, twice = (read({"inputs": {"x": [value] * count}}, x=dtype)["x"] for count in (1, 2))
    assert (alone.dtype, alone.shape, alone.tolist()) == (twice.dtype, (1,), twice.tolist()[:1])


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (True, INT64), (1.0, INT64), (2**63, INT64), (None, INT64), (True, FLOAT), ("1", FLOAT), (10**400, FLOAT),
        (1, STRING),
    ],
)  # fmt: skip
def test_one_value_is_refused_as_several_are(value: object, dtype: int) -> None:
    alone, twice = (refused({"inputs": {"x": [value] * count}}, x=dtype) for count in (1, 2))
    assert alone == twice


def test_named_rows_become_columns() -> None:
    rows = [
        {"miles": 1.5, "seconds": 300, "company": "Blue"},
        {"company": "Grün", "miles": 2, "seconds": -1},
    ]
    arrays = read({"instances": rows}, **TRIP)
    assert set(arrays) == set(TRIP)
    assert_array(arrays["miles"], np.float32, [1.5, 2.0])
    assert_array(arrays["seconds"], np.int64, [300, -1])
    assert_array(arrays["company"], object, [b"Blue", "Grün".encode()])


def test_one_input_takes_bare_values_and_lists() -> None:
    assert_array(read({"instances": [4, 0.25]}, x=DOUBLE)["x"], np.float64, [4, 0.25])
    assert_array(read({"instances": [[[7], [8]], [[9], [10]]]}, x=INT32)["x"], np.int32, [[[7], [8]], [[9], [10]]])
    assert_array(read({"instances": [True, False]}, x=BOOL)["x"], np.bool_, [True, False])
    assert_array(read({"instances": [{"x": [3]}]}, x=UINT8)["x"], np.uint8, [[3]])


def test_columns_may_differ_in_size_and_hold_scalars() -> None:
    arrays = read({"inputs": {"miles": [[1], [2]], "seconds": 9, "company": "Blue", "extra": None}}, **TRIP)
    assert_array(arrays["miles"], np.float32, [[1], [2]])
    assert_array(arrays["seconds"], np.int64, 9)
    assert arrays["company"].shape == ()
    assert arrays["company"].item() == b"Blue"


def test_one_column_needs_no_name() -> None:
    assert_array(read({"inputs": [[5, 6]]}, x=INT32)["x"], np.int32, [[5, 6]])
    assert_array(read({"inputs": 5}, x=INT32)["x"], np.int32, 5)
    assert read({"inputs": {"b64": "AAE="}}, x=STRING)["x"].item() == b"\x00\x01"


def test_empty_lists_have_a_shape() -> None:
    assert read({"inputs": []}, x=FLOAT)["x"].shape == (0,)
    assert read({"instances": [[], []]}, x=STRING)["x"].shape == (2, 0)
    assert_array(read({"inputs": [[[]], [[]]]}, x=INT64)["x"], np.int64, np.empty((2, 1, 0)))


def test_signature_name_and_form() -> None:
    body = parse_predict(b'{"signature_name": "raw", "instances": [1]}')
    assert (body.signature_name, body.rows) == ("raw", True)
    body = parse_predict(b'{"inputs": [1]}')
    assert (body.signature_name, body.rows) == ("", False)


def test_numbers() -> None:
    assert_array(read('{"instances": [NaN, Infinity, -Infinity]}', x=FLOAT)["x"], np.float32, [np.nan, np.inf, -np.inf])
    assert_array(read('{"instances": [4e38, -4e38, 1e-60]}', x=FLOAT)["x"], np.float32, [np.inf, -np.inf, 0])
    assert_array(read({"instances": [-(2**63), 2**63 - 1]}, x=INT64)["x"], np.int64, [-(2**63), 2**63 - 1])
    assert_array(read({"instances": [2**64 - 1]}, x=UINT64)["x"], np.uint64, [2**64 - 1])
    assert_array(read({"instances": [2**70]}, x=DOUBLE)["x"], np.float64, [2.0**70])


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [("aGFsbG8=", b"hallo"), ("aGFsbG8", b"hallo"), ("aGFs\n bG8=", b"hallo"), ("+/+/", b"\xfb\xff\xbf"), ("", b"")],
)
def test_b64(spelled: str, meant: bytes) -> None:
    mixed = read({"instances": [{"b64": spelled}, "plain"]}, x=STRING)["x"]
    assert mixed.tolist() == [meant, b"plain"]


def test_b64_as_the_value_of_a_named_row() -> None:
    assert read({"instances": [{"x": {"b64": "aGFsbG8="}}]}, x=STRING)["x"].tolist() == [b"hallo"]


def test_white_space_byte_order_mark_and_escapes() -> None:
    assert read('\ufeff \n{"instances": ["\\u00fc\\ud83d\\ude00\\u0000"]}', x=STRING)["x"].tolist() == [
        "ü😀\0".encode()
    ]


def test_of_a_key_that_stands_there_twice_the_last_counts() -> None:
    assert_array(read('{"instances": [{"x": 1, "x": 2}]}', x=INT32)["x"], np.int32, [2])


# --- What is no JSON.


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b" \n", "JSON Parse error: The document is empty"),
        (b"inputs: 1", r"JSON Parse error: Invalid value. at offset: 0"),
        (b'{"inputs": [1,]}', r"JSON Parse error: .* at offset: 1\d"),
        (
            b'{"inputs": 1} {}',
            r"JSON Parse error: The document root must not be followed by other values. at offset: 14",
        ),
        (b'{"inputs": "\xff"}', r"JSON Parse error: Invalid encoding, expected UTF-8. at offset: 12"),
        ('{"inputs": 1}'.encode("utf-16"), r"JSON Parse error: Invalid encoding"),
        (b'{"inputs": "\\ud800"}', "JSON Parse error: The surrogate pair in string is invalid."),
        (b'{"\\uDC00": 1}', "JSON Parse error: The surrogate pair in string is invalid."),
        (b'{"inputs": ' + b"[" * 100_000, "JSON Parse error: The document is nested too deep."),
        (b'{"inputs": ' + b"9" * 5000 + b"}", "JSON Parse error: Number too big."),
        (b"[1, 2]", r"JSON Value: \[1, 2\] Is not object"),
        (b'"instances"', 'JSON Value: "instances" Is not object'),
        (b'{"signature_name": null, "inputs": 1}', "'signature_name' key must be a string value"),
    ],
)
def test_bodies_that_say_nothing(body: bytes, message: str) -> None:
    with pytest.raises(ServingError, match=message) as error:
        parse_predict(body)
    assert error.value.code == INVALID


# --- What does not fit the signature.


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Missing 'inputs' or 'instances' key"),
        ({"instances": [1], "inputs": [1]}, "Not formatted correctly expecting only one of 'inputs' or 'instances'"),
        ({"instances": {"x": 1}}, "Expecting 'instances' to be a list/array"),
        ({"instances": []}, "No values in 'instances' array"),
        ({"instances": [1]}, "instances is a plain list, but expecting list of objects"),
        ({"instances": [{"b64": "AA=="}]}, "instances is a plain list, but expecting list of objects"),
        ({"inputs": [1]}, "inputs is a plain value/list, but expecting an object"),
        ({"inputs": {"miles": 1, "company": "x"}}, "Missing named input: seconds in 'inputs' object."),
    ],
)
def test_forms_that_do_not_fit(body: object, message: str) -> None:
    assert message in refused(body, **TRIP)


ROW = {"miles": 1.5, "seconds": 300, "company": "Blue"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([1], "Expecting object but got list at item 1 of input list"),
        ({"b64": "AA=="}, "Expecting object but got list at item 1 of input list"),
        (ROW | {"tip": 1}, "element: 1 key: tip of 'instances' list. .* does not have named input: tip"),
        ({"miles": 1.5, "seconds": 3}, "element: 1 of 'instances' list. .* must be equal to: company,miles,seconds"),
        ({"miles": 1.5, "seconds": 3, "tip": 1}, "element: 1 key: tip .* does not have named input: tip"),
        (ROW | {"miles": "far"}, '1 key: miles .* JSON Value: "far" Type: String is not of expected type: float'),
        (ROW | {"miles": None}, "1 key: miles .* Type: Null is not of expected type: float"),
        (ROW | {"miles": True}, "1 key: miles .* Type: True is not of expected type: float"),
        (ROW | {"miles": {"b64": "AA=="}}, "1 key: miles .* Type: Object is not of expected type: float"),
        (ROW | {"seconds": 3.0}, "1 key: seconds .* JSON Value: 3.0 Type: Number is not of expected type: int64"),
        (ROW | {"seconds": 2**63}, "1 key: seconds .* Value: 9223372036854775808 .* not of expected type: int64"),
        (ROW | {"seconds": False}, "1 key: seconds .* Type: False is not of expected type: int64"),
        (ROW | {"company": 7}, "1 key: company .* Type: Number is not of expected type: string"),
        (ROW | {"company": {"b64": "_-8="}}, "1 key: company .* Unable to base64 decode"),
        (ROW | {"company": {"b64": "ü"}}, "1 key: company .* Unable to base64 decode"),
        (ROW | {"company": {"b64": 1}}, "1 key: company .* not formatted correctly for base64 data"),
        (ROW | {"miles": [1, 2]}, "1 key: miles .* Expecting tensor size: 1 but got: 2"),
        (ROW | {"miles": [[1]]}, r"1 key: miles .* Expecting shape \[\] but got: \[1,1\]"),
        (ROW | {"miles": 10**400}, "1 key: miles .* is too large for a number"),
    ],
)
def test_the_row_that_does_not_fit_is_named(row: object, message: str) -> None:
    assert re.search(message, refused({"instances": [ROW, row, row]}, **TRIP))


def test_plain_rows_and_objects_do_not_mix() -> None:
    assert "Expecting value/list but got object at item 1" in refused({"instances": [[1], {"x": [1]}]}, x=INT32)
    assert "Expecting object but got list at item 1" in refused({"instances": [{"x": [1]}, [1]]}, x=INT32)
    rows = [{"b64": ["a"]}, {"b64": "AA=="}]  # even where an input has that name, the second is a value
    assert "Expecting object but got list at item 1" in refused({"instances": rows}, b64=STRING)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[1, 2], [3]], "Encountered list at unexpected size: 1 at level: 1 expected size: 2"),
        ([[1, 2], 3], "JSON Value: 3 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
        ([1, [2]], "Encountered list at unexpected level: 1 expected < 1"),
        ([[], [1]], "Encountered list at unexpected size: 1 at level: 1 expected size: 0"),
        ([1, 300], "JSON Value: 300 Type: Number is not of expected type: uint8"),
        ([1, -1], "JSON Value: -1 Type: Number is not of expected type: uint8"),
        (json.loads("[" * 40 + "1" + "]" * 40), "a tensor of 40 dimensions: expected at most 32"),
    ],
)
def test_columns_that_do_not_fit(value: object, message: str) -> None:
    assert message in refused({"inputs": value}, x=UINT8)
    assert message in refused({"inputs": {"x": value}}, x=UINT8)


def test_a_dtype_that_json_cannot_spell() -> None:
    half = types_pb2.DT_HALF
    message = refused({"inputs": [1.5]}, grpc.StatusCode.UNIMPLEMENTED, x=half)
    assert message == "Conversion of JSON Value: [1.5] to type: half"
    assert "Error: UNIMPLEMENTED: Conversion of JSON Value: 1.5 to type: half" in refused({"instances": [1.5]}, x=half)


def test_a_signature_without_inputs_is_not_for_json() -> None:
    assert refused({"instances": [1]}) == "Failed to get input map for signature: DEFAULT"
    assert refused({"signature_name": "read", "inputs": 1}) == "Failed to get input map for signature: read"


def test_errors_repeat_the_beginning_of_a_long_value() -> None:
    message = refused({"inputs": "x" * 5000}, x=FLOAT)
    assert '"' + "x" * 999 + "…" in message
    assert "x" * 1000 not in message


# --- Answers.


def strings(*values: bytes) -> np.ndarray:
    return np.array(values, dtype=object)


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.float32([0.1, 3, 1e16, 1e-7, 2048, 0.3333333433]), "[0.1, 3.0, 1e+16, 1e-07, 2048.0, 0.33333334]"),
        (np.float32([[np.nan], [-np.inf], [np.inf]]), "[[NaN], [-Infinity], [Infinity]]"),
        (np.float64([0.1, 1 / 3, np.nan, -np.inf, 5e-324]), "[0.1, 0.3333333333333333, NaN, -Infinity, 5e-324]"),
        (np.int64([2**53 + 1, -(2**63)]), "[9007199254740993, -9223372036854775808]"),
        (np.uint64([2**64 - 1]), "[18446744073709551615]"),
        (np.int8([[-128, 127]]), "[[-128, 127]]"),
        (np.array([True, False]), "[true, false]"),
        (strings("Grün".encode(), b'"\n'), '["Grün", "\\"\\n"]'),
        (np.empty((2, 0), np.float32), "[[], []]"),
    ],
)
def test_one_output_is_written_without_its_name(array: np.ndarray, text: str) -> None:
    assert encode_predict({"y": array}, rows=True).decode() == f'{{"predictions": {text}}}'
    assert encode_predict({"y": array}, rows=False).decode() == f'{{"outputs": {text}}}'


def test_several_outputs_are_objects_by_name() -> None:
    outputs = {"p": np.float32([[0.1], [np.nan]]), "name": strings(b"a", b"b"), "raw_bytes": strings(b"\xff", b"")}
    assert encode_predict(outputs, rows=True).decode() == (
        '{"predictions": [{"p": [0.1], "name": "a", "raw_bytes": {"b64": "/w=="}}, '
        '{"p": [NaN], "name": "b", "raw_bytes": {"b64": ""}}]}'
    )
    assert encode_predict(outputs, rows=False).decode() == (
        '{"outputs": {"p": [[0.1], [NaN]], "name": ["a", "b"], "raw_bytes": [{"b64": "/w=="}, {"b64": ""}]}}'
    )


def test_columns_need_no_common_batch_size() -> None:
    outputs = {"total": np.array(2.5, np.float32), "parts": np.int32([1, 2])}
    assert json.loads(encode_predict(outputs, rows=False)) == {"outputs": {"total": 2.5, "parts": [1, 2]}}
    word = np.array(b"hi", dtype=object)
    assert json.loads(encode_predict({"word": word}, rows=False)) == {"outputs": "hi"}


def test_no_rows_no_predictions() -> None:
    outputs = {"a": np.empty((0, 3), np.float32), "b": np.empty((0, 1, 2), object)}
    assert encode_predict(outputs, rows=True) == b'{"predictions": []}'


def test_bytes_that_are_no_utf_8_go_out_as_they_are() -> None:
    assert encode_predict({"s": strings(b"\xff\xc3")}, rows=True) == b'{"predictions": ["\xff\xc3"]}'
    assert encode_predict({"s": strings(b"\xff"), "t": strings(b"a")}, rows=True) == (
        b'{"predictions": [{"s": "\xff", "t": "a"}]}'
    )


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({}, "Cannot convert empty tensor map to JSON"),
        ({"y": np.array(1.0, np.float32)}, "Tensor name: y has no shape information"),
        ({"y": np.ones(2), "z": np.ones(3)}, "Tensor name: z has inconsistent batch size: 3 expecting: 2"),
        ({"y": np.ones(1, np.complex128)}, "Failed to write JSON value for tensor type: complex128"),
        ({"y": np.ones(1, np.float16)}, "Failed to write JSON value for tensor type: half"),
    ],
)
def test_answers_that_cannot_be_rows(outputs: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(ServingError, match=message) as error:
        encode_predict(outputs, rows=True)
    assert error.value.code == INVALID


# --- There and back.

PROPERTY = settings(max_examples=60, deadline=None, derandomize=True)
SHAPES = np_st.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4)


def assert_comes_back(array: np.ndarray, dtype: int) -> None:
    """What is written is read again as the same array, by columns and, where there are rows, by rows."""
    value = json.loads(encode_predict({"y": array}, rows=False))["outputs"]
    # JSON has no shape but the lists': below an empty dimension there is nothing left to see.
    shape = array.shape[: array.shape.index(0) + 1] if 0 in array.shape else array.shape
    again = read({"inputs": value}, x=dtype)["x"]
    assert again.dtype == array.dtype
    np.testing.assert_array_equal(again, array.reshape(shape))
    if len(array):
        rows = json.loads(encode_predict({"y": array}, rows=True))["predictions"]
        np.testing.assert_array_equal(read({"instances": rows}, x=dtype)["x"], array.reshape(shape))


@PROPERTY
@given(np_st.arrays(np.float32, SHAPES))
def test_float32_comes_back(array: np.ndarray) -> None:
    assert_comes_back(array, FLOAT)


@PROPERTY
@given(np_st.arrays(np.float64, SHAPES))
def test_float64_comes_back(array: np.ndarray) -> None:
    assert_comes_back(array, DOUBLE)


@PROPERTY
@given(np_st.arrays(np.int64, SHAPES))
def test_int64_comes_back(array: np.ndarray) -> None:
    assert_comes_back(array, INT64)


@PROPERTY
@given(np_st.arrays(object, SHAPES, elements=st.text().map(str.encode)))
def test_strings_come_back(array: np.ndarray) -> None:
    assert_comes_back(array, STRING)


@PROPERTY
@given(np_st.arrays(np.float32, 3, elements={"allow_nan": False, "allow_infinity": False}))
def test_a_float32_has_no_digit_too_many(array: np.ndarray) -> None:
    def digits(text: str) -> str:
        return text.lstrip("-").partition("e")[0].replace(".", "").strip("0")

    texts = encode_predict({"y": array}, rows=False).decode()[len('{"outputs": [') : -len("]}")].split(", ")
    for text, value in zip(texts, array, strict=True):
        with np.errstate(over="ignore"):  # the largest, rounded up to fewer digits, is infinite
            shortest = next(f"{value:.{n}e}" for n in range(9) if np.float32(f"{value:.{n}e}") == value)
        assert len(digits(text)) <= len(digits(shortest))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "y", "b64"]) | st.text(), inner),
    max_leaves=12,
)


def error_or(call: Callable[[], object]) -> object:
    """What a call gives, or the ServingError that it ends with."""
    try:
        return call()
    except ServingError as error:
        return error


@PROPERTY
@given(st.sampled_from(["instances", "inputs"]), JSON, st.sampled_from([FLOAT, INT32, STRING, BOOL]), st.booleans())
def test_any_json_gives_tensors_of_the_signature_or_an_error(form: str, value: object, dtype: int, two: bool) -> None:
    inputs = {"x": dtype, "y": INT64} if two else {"x": dtype}
    arrays = error_or(lambda: read({form: value}, **inputs))
    if isinstance(arrays, ServingError):
        assert arrays.code == INVALID
        return
    assert isinstance(arrays, dict)
    assert set(arrays) == set(inputs)
    assert arrays["x"].dtype == {FLOAT: np.float32, INT32: np.int32, STRING: object, BOOL: np.bool_}[dtype]
    if form == "instances":
        assert isinstance(value, list)
        assert {len(array) for array in arrays.values()} == {len(value)}


@PROPERTY
@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:0123456789.eE+-\\u Dntrufalse', max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    read = error_or(lambda: parse_predict(body).document)
    if isinstance(read, ServingError):
        assert read.code == INVALID
    else:
        assert read == json.loads(body)
