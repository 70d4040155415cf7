"""Convert the inputs and outputs of Classify and Regress: tf.Examples to tensors, tensors to scores or values."""

from collections.abc import Mapping, Sequence

import numpy as np
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import classification_pb2, input_pb2, regression_pb2

from serving.server.errors import InvalidArgumentError
from serving.server.signature_checks import require_dtype

CLASSIFY_METHOD = "tensorflow/serving/classify"
REGRESS_METHOD = "tensorflow/serving/regress"
INPUTS, CLASSES, SCORES, OUTPUTS = "inputs", "classes", "scores", "outputs"


def inputs(signature: meta_graph_pb2.SignatureDef, request: input_pb2.Input) -> dict[str, np.ndarray]:
    """Return the signature's one input: the serialized tf.Examples, string [n].

    If the request has a context, each tf.Example also gets the context's features.

    Args:
        signature: the signature that is called.
        request: the tf.Examples.

    Returns:
        The input, by name.

    Raises:
        InvalidArgumentError: There are no examples, or the signature does not take tf.Examples.
    """
    require_dtype(signature, INPUTS, types_pb2.DT_STRING)
    match request.WhichOneof("kind"):
        case "example_list":
            examples = [example.SerializeToString() for example in request.example_list.examples]
        case "example_list_with_context":
            # Parsing concatenated serialized protos merges them.
            context = request.example_list_with_context.context.SerializeToString()
            examples = [context + example.SerializeToString() for example in request.example_list_with_context.examples]
        case _:
            examples = []
    if not examples:
        raise InvalidArgumentError("Input is empty.")
    return {INPUTS: np.array(examples, dtype=object)}


def classification_outputs(signature: meta_graph_pb2.SignatureDef) -> list[str]:
    """Return the names of the outputs to compute for Classify.

    Args:
        signature: the signature that is called.

    Returns:
        `classes`, `scores`, or both.

    Raises:
        InvalidArgumentError: The signature is not a classification.
    """
    _require_inputs(signature, "classification")
    present = [name for name in (CLASSES, SCORES) if name in signature.outputs]
    if not present:
        raise InvalidArgumentError(
            f'Expected classification signature outputs to contain at least one of "{CLASSES}" or "{SCORES}"; '
            f"received {sorted(signature.outputs)}."
        )
    return present


def regression_outputs(signature: meta_graph_pb2.SignatureDef) -> list[str]:
    """Return the name of the output to compute for Regress.

    Args:
        signature: the signature that is called.

    Returns:
        One name.

    Raises:
        InvalidArgumentError: The signature is not a regression.
    """
    _require_inputs(signature, "regression")
    if OUTPUTS not in signature.outputs:
        raise InvalidArgumentError(
            f'No regression outputs found in SignatureDef: expected "{OUTPUTS}", received {sorted(signature.outputs)}.'
        )
    return [OUTPUTS]


def _require_inputs(signature: meta_graph_pb2.SignatureDef, kind: str) -> None:
    if len(signature.inputs) != 1:
        raise InvalidArgumentError(f"Expected one input Tensor, received {sorted(signature.inputs)}.")
    if INPUTS not in signature.inputs:
        raise InvalidArgumentError(
            f'No {kind} inputs found in SignatureDef: expected "{INPUTS}", received {sorted(signature.inputs)}.'
        )


def classification(outputs: Mapping[str, np.ndarray], examples: int) -> Sequence[classification_pb2.Classifications]:
    """Convert the model's outputs to a list of labelled scores for each example.

    Args:
        outputs: `classes`, string [examples, n], or `scores`, float32 [examples, n], or both.
        examples: the number of examples in the request.

    Returns:
        The labels and scores of each example.

    Raises:
        InvalidArgumentError: The model's output has another shape or type.
    """
    for name, array in outputs.items():
        if array.dtype != (object if name == CLASSES else np.float32):
            raise InvalidArgumentError(
                f"Expected {name} Tensor of {'DT_STRING' if name == CLASSES else 'DT_FLOAT'}; received {array.dtype}."
            )
        if array.ndim != 2 or len(array) != examples:
            raise InvalidArgumentError(
                f"Expected {name} Tensor shape [{examples} num_classes]; received {list(array.shape)}."
            )
    if len({array.shape for array in outputs.values()}) > 1:
        raise InvalidArgumentError(
            f"Expected as many classes as scores; received {[array.shape for array in outputs.values()]}."
        )
    per_example = next(iter(outputs.values())).shape[1]
    classes = outputs.get(CLASSES, np.full((examples, per_example), b"", object))
    scores = outputs.get(SCORES, np.zeros((examples, per_example), np.float32))
    try:
        return [
            classification_pb2.Classifications(
                classes=[classification_pb2.Class(label=label, score=score) for label, score in zip(*row, strict=True)]
            )
            for row in zip(classes.tolist(), scores.tolist(), strict=True)
        ]
    except UnicodeDecodeError as error:
        raise InvalidArgumentError(f"Expected class labels in UTF-8; the model gave {error.object!r}.") from error


def regression(outputs: Mapping[str, np.ndarray], examples: int) -> Sequence[regression_pb2.Regression]:
    """Convert the model's output to a value for each example.

    Args:
        outputs: `outputs`, float32 [examples] or [examples, 1].
        examples: the number of examples in the request.

    Returns:
        The value of each example.

    Raises:
        InvalidArgumentError: The model's output has another shape or type.
    """
    values = outputs[OUTPUTS]
    if values.dtype != np.float32:
        raise InvalidArgumentError(f"Expected output Tensor of DT_FLOAT; received {values.dtype}.")
    if values.shape not in ((examples,), (examples, 1)):
        raise InvalidArgumentError(
            f"Expected output Tensor shape to be either [{examples}] or [{examples} 1]; received {list(values.shape)}."
        )
    return [regression_pb2.Regression(value=value) for value in values.ravel().tolist()]
