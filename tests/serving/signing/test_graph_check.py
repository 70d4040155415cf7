"""What a graph may do: as TensorFlow saves one, it may; with an operation that reaches outside, it may not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from serving.signing.errors import Reason, RefusedVersionError, SigningError
from serving.signing.forbidden_operations import FORBIDDEN
from serving.signing.graph_check import check_graph
from serving.signing.graph_pb2 import Attribute, MetaGraph, SavedModel
from tests.serving.signing.signed_models import TEXTS, Key, function, graph, node, write

FILES = [*TEXTS, "saved_model.pb"]


def refusal(model: SavedModel, files: list[str] = FILES) -> tuple[Reason, str]:
    with pytest.raises(RefusedVersionError) as error:
        check_graph(model.SerializeToString(), files)
    return error.value.reason, str(error.value)


def changed(*changes: Callable[[MetaGraph], object]) -> SavedModel:
    model = graph()
    for change in changes:
        change(model.meta_graphs[0])
    return model


def forbidden(*changes: Callable[[MetaGraph], object]) -> str:
    reason, message = refusal(changed(*changes))
    assert reason == Reason.FORBIDDEN_OPERATION
    return message


def body(meta: MetaGraph, name: str):
    return next(each for each in meta.graph_def.library.function if each.signature.name == name).node_def


def find(meta: MetaGraph, name: str):
    return next(each for each in meta.graph_def.node if each.name == name)


def test_what_tensorflow_saves() -> None:
    check_graph(graph().SerializeToString(), FILES)


@pytest.mark.parametrize(
    "operation", ["ReadFile", "WriteFile", "PyFunc", "PyFuncStateless", "EagerPyFunc", "MatchingFiles"]
)
def test_an_operation_wherever_it_stands(operation: str) -> None:
    assert operation in FORBIDDEN
    assert forbidden(lambda meta: meta.graph_def.node.append(node("n", operation))).startswith(
        f"node 'n' runs {operation}:"
    )
    # In a function that the answer calls by another one, and in one that nothing calls.
    inner = forbidden(lambda meta: body(meta, "inner").append(node("n", operation)))
    assert inner.startswith(f"node 'n' in function inner runs {operation}:")
    forbidden(lambda meta: meta.graph_def.library.function.append(function("idle", [], node("n", operation))))
    # As the name of what a node calls, also one that is hidden in an attribute of an attribute, or in a list.
    forbidden(lambda meta: meta.graph_def.node.append(node("n", "PartitionedCall", calls=operation)))
    nested = node("n", "PartitionedCall", calls="inner")
    nested.attr["f"].func.attr["body"].func.name = operation
    forbidden(lambda meta: meta.graph_def.node.append(nested))
    listed = node("n", "Case")
    listed.attr["branches"].list.func.add(name=operation)
    forbidden(lambda meta: meta.graph_def.node.append(listed))
    # In the second graph of the model.
    second = graph()
    second.meta_graphs.add().graph_def.node.append(node("n", operation))
    assert refusal(second)[0] == Reason.FORBIDDEN_OPERATION


@pytest.mark.parametrize("operation", sorted(FORBIDDEN))
def test_every_operation_of_the_list(operation: str) -> None:
    forbidden(lambda meta: meta.graph_def.node.append(node("n", operation)))


@pytest.mark.parametrize(
    ("operation", "attribute", "harmless", "harmful"),
    [
        ("PrintV2", "output_stream", b"stderr", b"file:///etc/passwd"),
        ("FixedUnigramCandidateSampler", "vocab_file", b"", b"/etc/passwd"),
        ("DecodeProtoV2", "descriptor_source", b"local://", b"/etc/passwd"),
    ],
)
def test_an_attribute_that_names_a_file(operation: str, attribute: str, harmless: bytes, harmful: bytes) -> None:
    def with_value(value: bytes) -> Callable[[MetaGraph], object]:
        return lambda meta: body(meta, "inner").append(node("n", operation, **{attribute: value}))

    check_graph(changed(with_value(harmless)).SerializeToString(), FILES)
    assert "/etc/passwd" in forbidden(with_value(harmful))


@pytest.mark.parametrize("operation", ["RestoreV2", "SaveV2", "MergeV2Checkpoints", "InitializeTableFromTextFileV2"])
def test_a_request_reads_and_writes_no_checkpoint_and_fills_no_table(operation: str) -> None:
    in_function = forbidden(lambda meta: body(meta, "inner").append(node("n", operation, "x", "x")))
    assert f"runs {operation} in a request or at the start of the model" in in_function
    waited_for = forbidden(
        lambda meta: meta.graph_def.node.append(node("n", operation, "table", "asset")),
        lambda meta: find(meta, "answer").input.append("^n"),
    )
    assert f"runs {operation} in a request" in waited_for
    forbidden(lambda meta: meta.graph_def.node.append(node("n", "PartitionedCall", calls=operation)))


def test_the_start_of_a_model_writes_nothing() -> None:
    forbidden(lambda meta: find(meta, "init").input.append("^save"))
    forbidden(lambda meta: body(meta, "restoring").append(node("n", "SaveV2", "prefix")))
    forbidden(lambda meta: meta.collection_def["saved_model_main_op"].node_list.value.append("save"))


def test_functions_that_stand_in_for_each_other() -> None:
    """TensorFlow swaps functions of one interface: who calls one may come to run the other."""

    def swappable(meta: MetaGraph) -> None:
        twin = function("twin", ["x", "w"], node("n", "SaveV2", "x"))
        meta.graph_def.library.function.append(twin)
        for each in meta.graph_def.library.function:
            if each.signature.name in ("inner", "twin"):
                each.attr["api_implements"].s = b"lstm"

    assert "runs SaveV2 in a request" in forbidden(swappable)


@pytest.mark.parametrize("prefix", ["elsewhere", "x"])
def test_the_checkpoint_is_the_models_own(prefix: str) -> None:
    message = forbidden(
        lambda meta: meta.graph_def.node.extend([node("elsewhere", "Const"), node("r", "RestoreV2", prefix)])
    )
    assert "has RestoreV2 read a file other than the model's own checkpoint" in message
    # The same by the call of a function.
    forbidden(
        lambda meta: meta.graph_def.node.extend(
            [node("elsewhere", "Const"), node("r", "StatefulPartitionedCall", prefix, "weight", calls="restoring")]
        )
    )


def test_the_checkpoint_s_name_is_what_is_fed_and_not_another_output_of_its_node() -> None:
    def two_outputs(meta: MetaGraph) -> None:
        find(meta, "checkpoint").op = "IdentityN"
        meta.saver_def.filename_tensor_name = "checkpoint:1"

    assert "read a file other than the model's own checkpoint" in forbidden(two_outputs)


def test_a_request_may_name_every_signature_but_the_initializer() -> None:
    def hidden(meta: MetaGraph) -> None:
        meta.signature_def["__hidden"].outputs["y"].name = "initialize:0"

    assert "runs InitializeTableFromTextFileV2 in a request" in forbidden(hidden)
    fed = changed(lambda meta: meta.signature_def["__saved_model_init_op"].inputs["file"].SetInParent())
    assert "its initializer has inputs" in refusal(fed)[1]


def test_the_handle_of_a_resource_is_no_constant() -> None:
    handle = node("n", "Const")
    handle.attr["dtype"].type = 20
    assert "is a Const of a resource's handle" in forbidden(lambda meta: body(meta, "inner").append(handle))
    handle.attr["dtype"].type = 7  # a string
    check_graph(changed(lambda meta: body(meta, "inner").append(handle)).SerializeToString(), FILES)


def assigned(value: str) -> Callable[[MetaGraph], object]:
    return lambda meta: meta.graph_def.node.extend(
        [node("elsewhere", "Const"), node("more", "AssignVariableOp", "path", value)]
    )


def without_names_of_variables(meta: MetaGraph) -> None:
    """TensorFlow then takes them all for one variable."""
    meta.graph_def.node.extend(
        [
            node("alias", "VarHandleOp"),
            node("elsewhere", "Const"),
            node("more", "AssignVariableOp", "alias", "elsewhere"),
        ]
    )
    find(meta, "path").attr["shared_name"].s = b""


TABLES_OF_OTHER_FILES: dict[str, Callable[[MetaGraph], object]] = {
    "a constant": lambda meta: meta.graph_def.node.extend(
        [node("elsewhere", "Const"), node("t", "InitializeTableFromTextFileV2", "table", "elsewhere")]
    ),
    "a constant in a function": lambda meta: meta.graph_def.library.function.append(
        function("f", ["t"], node("c", "Const"), node("n", "InitializeTableFromTextFileV2", "t", "c:output:0"))
    ),
    "what a caller hands over": lambda meta: meta.graph_def.node.append(
        node("n", "StatefulPartitionedCall", "table", "x", calls="initializer")
    ),
    "what a loop hands over": lambda meta: meta.graph_def.node.append(
        node("n", "While", "table", "read_path", calls="initializer")
    ),
    "a joined name": lambda meta: meta.graph_def.node.extend(
        [node("joined", "StringJoin", "asset", "x"), node("t", "InitializeTableFromTextFile", "table", "joined")]
    ),
    "nothing": lambda meta: meta.graph_def.node.append(node("t", "InitializeTableFromTextFileV2", "table")),
    "a variable that is assigned a constant": assigned("elsewhere"),
    "a variable that is assigned a request": assigned("x"),
    "a variable of the same name": lambda meta: meta.graph_def.node.extend(
        [
            node("alias", "VarHandleOp", shared_name=b"path"),
            node("elsewhere", "Const"),
            node("more", "AssignVariableOp", "alias", "elsewhere"),
        ]
    ),
    "a variable without a name": without_names_of_variables,
    "an output that is not fed": lambda meta: setattr(find(meta, "asset"), "op", "IdentityN"),
    "a constant that may be fed": lambda meta: setattr(find(meta, "asset"), "op", "Const"),
    "a variable of the same name in a function": lambda meta: meta.graph_def.library.function.append(
        function(
            "f", ["v"], node("alias", "VarHandleOp", shared_name=b"path"), node("n", "AssignVariableOp", "alias", "v")
        )
    ),
    "a variable that a function assigns": lambda meta: (
        meta.graph_def.library.function.append(function("f", ["h", "v"], node("n", "AssignVariableOp", "h", "v"))),
        meta.graph_def.node.append(node("n", "PartitionedCall", "path", "x", calls="f")),
    ),
    "a variable that is changed in part": lambda meta: meta.graph_def.node.append(
        node("n", "ResourceScatterUpdate", "path", "x", "x")
    ),
    "a variable that a branch gets": lambda meta: meta.graph_def.node.append(
        node("n", "If", "x", "path", calls="inner")
    ),
    "a function that calls itself": lambda meta: (
        body(meta, "initializer").append(node("again", "StatefulPartitionedCall", "file", "file", calls="initializer")),
        meta.graph_def.node.append(node("n", "StatefulPartitionedCall", "table", "x", calls="initializer")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", TABLES_OF_OTHER_FILES)
def test_a_table_is_of_an_asset(what: str) -> None:
    message = forbidden(TABLES_OF_OTHER_FILES[what])
    assert "may read a file that is not one of the model's assets" in message


def test_an_asset_of_the_graph_of_tensorflow_1() -> None:
    check_graph(
        changed(
            lambda meta: meta.graph_def.node.append(node("t", "InitializeTableFromTextFileV2", "table", "asset")),
            lambda meta: meta.collection_def["legacy_init_op"].node_list.value.append("t"),
        ).SerializeToString(),
        FILES,
    )


@pytest.mark.parametrize("filename", ["../variables/variables.index", "/etc/passwd", "other", ""])
def test_an_asset_lies_in_the_version(filename: str) -> None:
    def renamed(meta: MetaGraph) -> None:
        meta.asset_file_def[0].filename = filename

    assert f"its graph names the asset {filename!r}: expected a file of the version below assets/" in forbidden(renamed)


def test_what_cannot_be_read() -> None:
    assert refusal(SavedModel())[0] == Reason.UNREADABLE
    with pytest.raises(RefusedVersionError, match="cannot be parsed"):
        check_graph(b"no graph", FILES)
    twice = changed(lambda meta: meta.graph_def.node.append(node("x", "Const")))
    assert refusal(twice) == (
        Reason.UNREADABLE,
        "its graph has a node or function without a name, or two of the name 'x'.",
    )
    unnamed = changed(lambda meta: meta.graph_def.library.function.append(function("", [])))
    assert refusal(unnamed)[0] == Reason.UNREADABLE
    swapped = changed(lambda meta: meta.graph_def.library.function.append(function("Identity", ["x"])))
    assert "a function 'Identity', which is the name of an operation" in refusal(swapped)[1]
    left_open = node("n", "PartitionedCall")
    left_open.attr["f"].CopyFrom(Attribute(placeholder="F"))
    assert refusal(changed(lambda meta: body(meta, "inner").append(left_open)))[0] == Reason.UNREADABLE
    sparse = changed(lambda meta: meta.signature_def["serving_default"].outputs["sparse"].SetInParent())
    assert "not a dense tensor" in refusal(sparse)[1]
    sparse.meta_graphs[0].signature_def["serving_default"].outputs["sparse"].name = "answer:0"
    sparse.meta_graphs[0].signature_def["serving_default"].outputs["sparse"].coo_sparse.SetInParent()
    assert "not a dense tensor" in refusal(sparse)[1]
    for other in ("saved_model.pbtxt", "saved_model.cpb"):
        assert refusal(graph(), [*FILES, other])[0] == Reason.UNREADABLE


def test_such_a_model_is_not_even_signed(tmp_path: Path, key: Key) -> None:
    folder = write(tmp_path / "7", changed(lambda meta: meta.graph_def.node.append(node("n", "ReadFile"))))
    with pytest.raises(SigningError, match="the model cannot be signed: node 'n' runs ReadFile"):
        key.sign(folder)
    assert not (folder / "assets.extra/model_signature.json").exists()
    assert key.sign(write(tmp_path / "8"))
