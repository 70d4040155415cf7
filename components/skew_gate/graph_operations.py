"""Name the operations of a SavedModel that round, upstream of each output of a signature."""

from collections.abc import Iterable, Sequence

from tensorflow.core.framework import function_pb2, node_def_pb2, types_pb2
from tensorflow.python.saved_model import loader_impl

# Operations whose result for a row depends on how many rows are computed at once, the most likely causes first:
# transcendental functions, then sums, whose order TensorFlow chooses. All others round exactly (IEEE 754, 5.4.1).
_BY_LIKELIHOOD = """
    Log Log1p Exp Expm1 Pow Sin Cos Tan Asin Acos Atan Atan2 Sinh Cosh Tanh Asinh Acosh Atanh Sigmoid Softplus Softmax
    LogSoftmax Elu Selu Erf Erfc Erfinv Ndtri Lgamma Digamma Polygamma Zeta Igamma Igammac Betainc Xlogy Xlog1py Rsqrt
    Sum Mean Prod Cumsum MatMul BatchMatMulV2 Einsum Conv2D AddN AddV2
"""
ROUNDING = tuple(_BY_LIKELIHOOD.split())
# Rounding of float64 does not show in float32, and whole numbers are not rounded. Coarser types are named after the
# operations.
_ROUNDED_TYPES = {types_pb2.DT_FLOAT: "", types_pb2.DT_HALF: "half", types_pb2.DT_BFLOAT16: "bfloat16"}

_Functions = dict[str, function_pb2.FunctionDef]
_Upstream = tuple[frozenset[str], frozenset[int]]  # operations, and positions of the function's arguments


def rounding_operations(model_dir: str, signature: str) -> dict[str, tuple[str, ...]]:
    """Return the operations that round upstream of each output of a signature.

    Args:
        model_dir: the SavedModel.
        signature: its name.

    Returns:
        Output -> operations, in the order of ROUNDING; then `half` and `bfloat16` if an operation computes in them.

    Raises:
        OSError: There is no SavedModel, or it cannot be read.
        KeyError: The SavedModel lacks the signature.
    """
    graph = loader_impl.parse_saved_model(model_dir).meta_graphs[0]
    walk = _Walk({function.signature.name: function for function in graph.graph_def.library.function})
    nodes = {node.name: node for node in graph.graph_def.node}
    if signature not in graph.signature_def:
        raise KeyError(f"the SavedModel in {model_dir} lacks the signature {signature}")
    found = {}
    for name, output in graph.signature_def[signature].outputs.items():
        operations, _ = walk.upstream(nodes, {}, [output.name])
        found[name] = tuple(name for name in (*ROUNDING, "half", "bfloat16") if name in operations)
    return found


class _Walk:
    """Follows tensors upstream, through functions."""

    def __init__(self, functions: _Functions):
        self._functions = functions
        self._known: dict[tuple[str, int], _Upstream] = {}  # function, position of its output

    def upstream(
        self, nodes: dict[str, node_def_pb2.NodeDef], arguments: dict[str, int], tensors: Iterable[str]
    ) -> _Upstream:
        """Return the operations and arguments upstream of some tensors of one graph."""
        operations: set[str] = set()
        positions: set[int] = set()
        seen: set[str] = set()
        waiting = list(tensors)
        while waiting:
            tensor = waiting.pop().removeprefix("^")
            name, _, place = tensor.partition(":")
            if tensor in seen:
                continue
            seen.add(tensor)
            if name in arguments:
                positions.add(arguments[name])
            elif name in nodes:
                waiting.extend(self._through(nodes[name], place, operations))
        return frozenset(operations), frozenset(positions)

    def _through(self, node: node_def_pb2.NodeDef, place: str, operations: set[str]) -> Sequence[str]:
        """Add the operations of a node to `operations`, and return the inputs that its output depends on."""
        called = [value.func.name for value in node.attr.values() if value.func.name in self._functions]
        if node.op in ("PartitionedCall", "StatefulPartitionedCall") and called:
            inside, positions = self._output(called[0], int(place.rpartition(":")[2] or 0))
            operations |= inside
            return [node.input[position] for position in positions]
        for function in called:  # a condition or a loop: any output may depend on any part of it
            for position in range(len(self._functions[function].signature.output_arg)):
                operations |= self._output(function, position)[0]
        kind = node.attr["T"].type
        if kind in _ROUNDED_TYPES and node.op in ROUNDING:
            operations |= {node.op, _ROUNDED_TYPES[kind]}
        return node.input

    def _output(self, name: str, position: int) -> _Upstream:
        """Return the operations and arguments upstream of one output of a function."""
        if (name, position) not in self._known:
            function = self._functions[name]
            nodes = {node.name: node for node in function.node_def}
            arguments = {argument.name: i for i, argument in enumerate(function.signature.input_arg)}
            tensor = function.ret[function.signature.output_arg[position].name]
            self._known[name, position] = self.upstream(nodes, arguments, [tensor])
        return self._known[name, position]
