"""Require that a graph's look-up tables read text files of its own assets only.

TensorFlow's loader feeds the path of each asset into a placeholder when it initializes the model. An asset's path
reaches the table directly, or through a variable that is assigned from the placeholder alone.
"""

from collections.abc import Collection

from serving.signing import forbidden_operations as operations
from serving.signing.dataflow import ASSIGN, CALLS, IDENTITY, PLACEHOLDER, READ, VARIABLE, Dataflow, Place, data_inputs
from serving.signing.errors import Reason, RefusedVersionError
from serving.signing.graph_pb2 import MetaGraph, Node

_FOLDER = "assets/"
_HARMLESS_USES = CALLS | {READ, ASSIGN, IDENTITY, "DisableCopyOnRead", "VarIsInitializedOp"}


class AssetReads:
    """The look-up tables of one graph.

    Args:
        meta_graph: the graph.
        flow: of the same graph.
        files: the paths of the version's files.
    """

    def __init__(self, meta_graph: MetaGraph, flow: Dataflow, files: Collection[str]):
        self._flow, self._files = flow, files
        self._filenames = [asset.filename for asset in meta_graph.asset_file_def]
        self._assets = {asset.tensor_info.name.partition(":")[0] for asset in meta_graph.asset_file_def}

    def check(self) -> None:
        """Require that all tables read files of the version.

        Raises:
            RefusedVersionError: A table reads another file.
        """
        for filename in self._filenames:
            if f"{_FOLDER}{filename}" not in self._files:
                raise RefusedVersionError(
                    Reason.FORBIDDEN_OPERATION,
                    f"its graph names the asset {filename!r}: expected a file of the version below {_FOLDER}.",
                )
        variables = set[bytes]()
        for place in self._flow.places():
            if place.node.op in operations.READS_ASSET:
                for origin in self._origins(place, 1):
                    if not self._is_asset(origin):
                        variables.add(self._variable_read(place, origin))
        if variables:
            self._require_assets_in(variables)

    def _variable_read(self, table: Place, origin: Place) -> bytes:
        """Return the one variable that holds the file's name."""
        handles = self._origins(origin, 0) if origin.node.op == READ else frozenset()
        names = {_identity(handle.node) for handle in handles if handle.node.op == VARIABLE}
        if len(handles) != 1 or len(names) != 1:
            raise _elsewhere(table)
        return names.pop()

    def _require_assets_in(self, variables: set[bytes]) -> None:
        """Require that only an asset's path is ever assigned to these variables."""
        for place in self._flow.places():
            for index, tensor in enumerate(data_inputs(place.node)):
                if not any(
                    origin.node.op == VARIABLE and _identity(origin.node) in variables
                    for origin in self._flow.origins(place, tensor)
                ):
                    continue
                if place.node.op not in _HARMLESS_USES and not self._flow.is_function(place.node.op):
                    raise _elsewhere(place)
                if place.node.op == ASSIGN and (
                    index != 0 or not all(self._is_asset(value) for value in self._origins(place, 1))
                ):
                    raise _elsewhere(place)

    def _is_asset(self, place: Place) -> bool:
        # A placeholder has one output and no own value: it is the asset's path, or has no value.
        return not place.function and place.node.op == PLACEHOLDER and place.node.name in self._assets

    def _origins(self, place: Place, index: int) -> frozenset[Place]:
        inputs = data_inputs(place.node)
        return self._flow.origins(place, inputs[index]) if index < len(inputs) else frozenset({Place("", Node())})


def _identity(node: Node) -> bytes:
    """Return the name that two handles of one variable share. To TensorFlow, an empty name is a name, too."""
    return node.attr["shared_name"].s


def _elsewhere(place: Place) -> RefusedVersionError:
    return RefusedVersionError(
        Reason.FORBIDDEN_OPERATION,
        f"node {place} may read a file that is not one of the model's assets: expected a table of an asset; change the "
        "model.",
    )
