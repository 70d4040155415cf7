"""Check that a signed graph only computes, and reads only its own checkpoint and assets."""

from collections.abc import Collection, Iterable

from google.protobuf.message import DecodeError

from serving.signing import forbidden_operations as operations
from serving.signing.asset_reads import AssetReads
from serving.signing.dataflow import PLACEHOLDER, Dataflow, Place, data_inputs, named_functions
from serving.signing.errors import Reason, RefusedVersionError
from serving.signing.graph_pb2 import MetaGraph, SavedModel

GRAPH = "saved_model.pb"
_OTHER_GRAPHS = ("saved_model.pbtxt", "saved_model.cpb")  # TensorFlow reads these, too, and they would be unchecked
_INITIALIZERS = ("saved_model_main_op", "legacy_init_op")  # collections
# TensorFlow Serving answers all other signatures
_INITIALIZER_SIGNATURES = ("__saved_model_init_op", "__saved_model_train_op")
_FED = (PLACEHOLDER, "PlaceholderWithDefault")  # one output, which is fed
_RESOURCE = 20  # TensorFlow's DT_RESOURCE


def check_graph(encoded: bytes, files: Collection[str]) -> None:
    """Check a SavedModel's graph and all its functions.

    Args:
        encoded: the content of saved_model.pb.
        files: paths of the version's files.

    Raises:
        RefusedVersionError: The graph cannot be read, or runs an operation that accesses files, Python or the network.
    """
    if other := next((name for name in _OTHER_GRAPHS if name in files), None):
        raise RefusedVersionError(Reason.UNREADABLE, f"expected its graph in {GRAPH} alone, received {other}, too.")
    try:
        model = SavedModel.FromString(encoded)
    except DecodeError as error:
        raise RefusedVersionError(Reason.UNREADABLE, f"{GRAPH} cannot be parsed: {error}") from error
    if not model.meta_graphs:
        raise RefusedVersionError(Reason.UNREADABLE, f"{GRAPH} holds no graph.")
    for meta_graph in model.meta_graphs:
        flow = Dataflow(meta_graph.graph_def)
        _require_no_forbidden(flow)
        _require_checkpoint_in_saver(meta_graph, flow)
        AssetReads(meta_graph, flow, files).check()


def _require_no_forbidden(flow: Dataflow) -> None:
    for place in flow.places():
        node = place.node
        # A node may name an operation where it names a function.
        named = named_functions(node)
        guarded = operations.WRITES_CHECKPOINT | operations.READS_CHECKPOINT | operations.READS_ASSET
        if forbidden := sorted(({node.op} | named) & operations.FORBIDDEN | named & guarded):
            raise _forbidden(place, f"runs {forbidden[0]}")
        if node.op in operations.MAKES_VALUE and any(each.type == _RESOURCE for each in node.attr.values()):
            raise _forbidden(place, f"is a {node.op} of a resource's handle")
        for name, each in node.attr.items():
            harmless = operations.HARMLESS_ATTRIBUTES.get((node.op, name))
            if harmless is not None and each.s and not each.s.startswith(harmless):
                raise _forbidden(place, f"has {node.op} use {each.s[:100]!r}")


def _require_checkpoint_in_saver(meta_graph: MetaGraph, flow: Dataflow) -> None:
    """Allow checkpoints to be read only at loading, and only the model's own; never written."""
    writes, reads = operations.WRITES_CHECKPOINT, operations.READS_CHECKPOINT
    _require_none(flow, _answers(meta_graph), writes | reads | operations.READS_ASSET)
    _require_none(flow, _initializers(meta_graph), writes | reads)
    saver = meta_graph.saver_def
    _require_none(flow, [saver.restore_op_name], writes | operations.READS_ASSET)
    own = ("", saver.filename_tensor_name.partition(":")[0])
    for place in flow.places():
        if place.node.op in reads:
            prefix = next(iter(data_inputs(place.node)), "")
            origins = flow.origins(place, prefix)
            if {own} != {(each.function, each.node.name) for each in origins} or not _are_fed(origins):
                raise _forbidden(place, f"has {place.node.op} read a file other than the model's own checkpoint")


def _answers(meta_graph: MetaGraph) -> list[str]:
    """Return the tensors that requests ask for."""
    names = [
        tensor.name
        for name, signature in meta_graph.signature_def.items()
        if name not in _INITIALIZER_SIGNATURES
        for tensor in signature.outputs.values()
    ]
    if "" in names:
        raise RefusedVersionError(
            Reason.UNREADABLE,
            "a signature has an output that is not a dense tensor; export the model with dense outputs.",
        )
    return names


def _initializers(meta_graph: MetaGraph) -> list[str]:
    signatures = [meta_graph.signature_def[key] for key in _INITIALIZER_SIGNATURES if key in meta_graph.signature_def]
    if any(signature.inputs for signature in signatures):
        raise RefusedVersionError(
            Reason.UNREADABLE,
            "its initializer has inputs, which a request could feed; save the model with TensorFlow 2.",
        )
    names = [tensor.name for signature in signatures for tensor in signature.outputs.values()]
    collections = [meta_graph.collection_def[key] for key in _INITIALIZERS if key in meta_graph.collection_def]
    return names + [name for collection in collections for name in collection.node_list.value]


def _are_fed(places: Iterable[Place]) -> bool:
    return all(place.node.op in _FED for place in places)


def _require_none(flow: Dataflow, tensors: Iterable[str], kinds: frozenset[str]) -> None:
    for place in flow.reached(tensors):
        if place.node.op in kinds:
            raise _forbidden(place, f"runs {place.node.op} in a request or at the start of the model")


def _forbidden(place: Place, what: str) -> RefusedVersionError:
    return RefusedVersionError(
        Reason.FORBIDDEN_OPERATION, f"node {place} {what}: expected operations that only compute; change the model."
    )
