"""Check a request against the model's signatures before anything runs."""

import collections
from collections.abc import Mapping, Sequence

import numpy as np
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import model_pb2, predict_pb2

from serving.server import tensors
from serving.server.errors import InvalidArgumentError

DEFAULT_SIGNATURE = "serving_default"
Signatures = Mapping[str, meta_graph_pb2.SignatureDef]


def signature(signatures: Signatures, spec: model_pb2.ModelSpec) -> tuple[str, meta_graph_pb2.SignatureDef]:
    """Return the signature that a request names, or `serving_default`.

    Args:
        signatures: the model's signatures, by name.
        spec: the request's model, which may name a signature.

    Returns:
        The signature's name, and the signature.

    Raises:
        InvalidArgumentError: The model has no such signature.
    """
    name = spec.signature_name or DEFAULT_SIGNATURE
    if name not in signatures:
        raise InvalidArgumentError(f"No signature was found with the name: {name}")
    return name, signatures[name]


def outputs(signature: meta_graph_pb2.SignatureDef, output_filter: Sequence[str]) -> list[str]:
    """Return the names of the outputs that a request asks for, sorted.

    Args:
        signature: the signature that is called.
        output_filter: the wanted outputs; empty means all.

    Returns:
        The names.

    Raises:
        InvalidArgumentError: The filter names an output that the signature lacks, or one output twice.
    """
    if not output_filter:
        return sorted(signature.outputs)
    for name, count in collections.Counter(output_filter).items():
        if name not in signature.outputs:
            present = ",".join(sorted(signature.outputs))
            raise InvalidArgumentError(
                f"output tensor alias not found in signature: {name} Outputs expected to be in the set {{{present}}}."
            )
        if count > 1:
            raise InvalidArgumentError(f"duplicate output tensor alias: {name}")
    return sorted(output_filter)


def arrays(signature: meta_graph_pb2.SignatureDef, request: predict_pb2.PredictRequest) -> Mapping[str, np.ndarray]:
    """Read the inputs of a PredictRequest.

    Args:
        signature: the signature that is called.
        request: the whole request.

    Returns:
        The array of each input, by name.

    Raises:
        InvalidArgumentError: Names or types differ from the signature's, or a tensor is malformed.
    """
    expected, received = set(signature.inputs), set(request.inputs)
    if expected != received:
        extra, missing = ",".join(sorted(received - expected)), ",".join(sorted(expected - received))
        raise InvalidArgumentError(
            f"input size does not match signature: {len(received)}!={len(expected)}. "
            f"Sent extra: {{{extra}}}. Missing but required: {{{missing}}}."
        )
    for name, proto in request.inputs.items():
        require_dtype(signature, name, proto.dtype)
    return {name: tensors.from_proto(name, proto) for name, proto in request.inputs.items()}


def require_dtype(signature: meta_graph_pb2.SignatureDef, name: str, received: int) -> None:
    """Check an input's type, as the session would.

    Args:
        signature: the signature that is called.
        name: the input's name.
        received: the number of the received data type.

    Raises:
        InvalidArgumentError: The type differs from the signature's.
    """
    expected = signature.inputs[name].dtype
    if received != expected:
        names = f"to be {_type_name(expected)} but {_type_name(received)} is provided"
        raise InvalidArgumentError(f"Expects arg[{sorted(signature.inputs).index(name)}] {names} (input {name})")


def _type_name(dtype: int) -> str:
    known = types_pb2.DataType.DESCRIPTOR.values_by_number.get(dtype)
    return known.name.removeprefix("DT_").lower() if known else f"type {dtype}"
