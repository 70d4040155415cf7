"""Follow tensors and calls through a graph and its functions."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import TypeVar

from serving.signing.errors import Reason, RefusedVersionError
from serving.signing.graph_pb2 import Function, Graph, Node

Value = TypeVar("Value")
CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})  # their input n is argument n
IDENTITY, PLACEHOLDER = "Identity", "Placeholder"
VARIABLE, READ, ASSIGN = "VarHandleOp", "ReadVariableOp", "AssignVariableOp"
_UNDERSTOOD = CALLS | {IDENTITY, PLACEHOLDER, VARIABLE, READ, ASSIGN}


@dataclasses.dataclass(frozen=True)
class Place:
    """A node, and the function that contains it."""

    function: str  # empty: the graph itself
    node: Node = dataclasses.field(hash=False)

    def __str__(self) -> str:
        return f"{self.node.name!r} in function {self.function}" if self.function else repr(self.node.name)


class Dataflow:
    """Nodes, functions and callers of a graph.

    Args:
        graph: the graph.

    Raises:
        RefusedVersionError: Two nodes or two functions share a name, so that a look-up could find the wrong one; or a
            function has the name of an operation and might run instead of it.
    """

    def __init__(self, graph: Graph):
        self._functions: dict[str, Function] = _by_name((each.signature.name, each) for each in graph.library.function)
        if taken := sorted(_UNDERSTOOD & self._functions.keys()):
            raise RefusedVersionError(
                Reason.UNREADABLE, f"its graph has a function {taken[0]!r}, which is the name of an operation."
            )
        scopes = {"": graph.node} | {name: each.node_def for name, each in self._functions.items()}
        self._nodes = {scope: _by_name((node.name, node) for node in nodes) for scope, nodes in scopes.items()}
        self._arguments = {
            name: [argument.name for argument in each.signature.input_arg] for name, each in self._functions.items()
        }
        self._twins = _twins(self._functions)
        self._callers: dict[str, list[Place]] = {}
        for place in self.places():
            for name in self.called(place.node):
                self._callers.setdefault(name, []).append(place)

    def places(self) -> Iterator[Place]:
        """Yield all nodes, of the graph and of every function."""
        for scope, nodes in self._nodes.items():
            for node in nodes.values():
                yield Place(scope, node)

    def place(self, scope: str, name: str) -> Place:
        """Return the node of that name."""
        return Place(scope, self._nodes[scope][name])

    def called(self, node: Node) -> set[str]:
        """Return the functions that a node may call, or that TensorFlow may call instead."""
        named = ({node.op} | named_functions(node)) & self._functions.keys()
        return named.union(*(self._twins.get(name, ()) for name in named))

    def is_function(self, name: str) -> bool:
        """Return whether the graph has a function of that name."""
        return name in self._functions

    def reached(self, tensors: Iterable[str]) -> Iterator[Place]:
        """Yield the nodes that run for these tensors or nodes of the graph; all nodes of a called function."""
        waiting, seen = [("", _name(tensor)) for tensor in tensors], set[tuple[str, str]]()
        while waiting:
            scope, name = waiting.pop()
            if (scope, name) in seen or name not in self._nodes[scope]:
                continue
            seen.add((scope, name))
            node = self._nodes[scope][name]
            yield Place(scope, node)
            waiting += [(scope, _name(tensor)) for tensor in node.input]
            waiting += [(function, inner) for function in self.called(node) for inner in self._nodes[function]]

    def origins(self, place: Place, tensor: str) -> frozenset[Place]:
        """Return where a node's input may come from, through Identity and through calls."""
        waiting, seen, found = [(place.function, _name(tensor))], set[tuple[str, str]](), set[tuple[str, str]]()
        while waiting:
            step = waiting.pop()
            if step in seen:
                continue
            seen.add(step)
            further = list(self._step_back(*step))
            waiting += further
            if not further:
                found.add(step)
        return frozenset(Place(scope, self._nodes[scope].get(name, Node(name=name))) for scope, name in found)

    def _step_back(self, scope: str, name: str) -> Iterator[tuple[str, str]]:
        """Yield where a tensor was before; nothing where it is made, or behind a loop or branch."""
        arguments = self._arguments.get(scope, [])
        if name in arguments:
            for caller in self._callers.get(scope, []):
                inputs = data_inputs(caller.node)
                if (caller.node.op in CALLS or self.is_function(caller.node.op)) and len(inputs) == len(arguments):
                    yield caller.function, _name(inputs[arguments.index(name)])
                else:
                    yield caller.function, caller.node.name
            return
        node = self._nodes[scope].get(name)
        if node is not None and node.op == IDENTITY and data_inputs(node):
            yield scope, _name(data_inputs(node)[0])


def data_inputs(node: Node) -> list[str]:
    """Return the tensors that a node takes, without its control inputs."""
    return [tensor for tensor in node.input if not tensor.startswith("^")]


def named_functions(node: Node) -> set[str]:
    """Return the functions, or operations, that a node's attributes name.

    Args:
        node: the node.

    Returns:
        The names.

    Raises:
        RefusedVersionError: The node leaves a name to its caller, which would hide it.
    """
    waiting, names = list(node.attr.values()), set[str]()
    while waiting:
        attribute = waiting.pop()
        if attribute.placeholder:
            raise RefusedVersionError(
                Reason.UNREADABLE,
                f"node {node.name!r} leaves an attribute to its caller; save the model with TensorFlow 2.",
            )
        for function in (attribute.func, *attribute.list.func):
            names.add(function.name)
            waiting += function.attr.values()
    return names - {""}


def _twins(functions: dict[str, Function]) -> dict[str, set[str]]:
    """Return functions that implement the same; TensorFlow chooses among them by the machine's devices."""
    groups: dict[bytes, set[str]] = {}
    for name, function in functions.items():
        if "api_implements" in function.attr:
            groups.setdefault(function.attr["api_implements"].s, set()).add(name)
    return {name: group for group in groups.values() for name in group}


def _name(tensor: str) -> str:
    """Return the node of `node:0`, `node:output:0` or `^node`."""
    return tensor.removeprefix("^").partition(":")[0]


def _by_name(pairs: Iterable[tuple[str, Value]]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, value in pairs:
        if not name or name in found:
            raise RefusedVersionError(
                Reason.UNREADABLE, f"its graph has a node or function without a name, or two of the name {name!r}."
            )
        found[name] = value
    return found
