"""Small versions to sign: a SavedModel's graph written by hand, so that no TensorFlow is loaded."""

import json
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from serving.signing.graph_pb2 import Function, Node, SavedModel
from serving.signing.keys import TrustedKeys
from serving.signing.signers import FileSigner
from serving.signing.verification import SIGNATURE
from serving.signing.version_signer import VersionSigner

TEXTS = {
    "variables/variables.index": "index",
    "variables/variables.data-00000-of-00001": "weights",
    "assets/companies": "Flash\nBlue\n",
    "assets.extra/schema.pbtxt": "feature {}",
    "fingerprint.pb": "fingerprint",
}


def node(name: str, op: str, *inputs: str, calls: str = "", **attributes: bytes) -> Node:
    made = Node(name=name, op=op, input=inputs)
    if calls:
        made.attr["f"].func.name = calls
    for attribute, value in attributes.items():
        made.attr[attribute].s = value
    return made


def function(name: str, arguments: Iterable[str], *nodes: Node) -> Function:
    made = Function(node_def=nodes)
    made.signature.name = name
    for argument in arguments:
        made.signature.input_arg.add(name=argument)
    return made


def graph() -> SavedModel:
    """As TensorFlow 2 saves a model with a weight, and a look-up table of an asset, whose path a variable holds."""
    model = SavedModel()
    meta = model.meta_graphs.add()
    meta.graph_def.node.extend(
        [
            node("weight", "VarHandleOp", shared_name=b"weight"),
            node("path", "VarHandleOp", shared_name=b"path"),
            node("asset", "Placeholder"),
            node("assign", "AssignVariableOp", "path", "asset"),
            node("table", "HashTableV2"),
            node("read_path", "ReadVariableOp", "path"),
            node("initialize", "StatefulPartitionedCall", "table", "read_path", calls="initializer"),
            node("init", "NoOp", "^assign", "^initialize"),
            node("x", "Placeholder"),
            node("answer", "StatefulPartitionedCall", "x", "weight", "table", calls="outer"),
            node("checkpoint", "Placeholder"),
            node("save", "StatefulPartitionedCall", "checkpoint", "weight", calls="saving"),
            node("restore", "StatefulPartitionedCall", "checkpoint", "weight", calls="restoring"),
        ]
    )
    meta.graph_def.library.function.extend(
        [
            function(
                "initializer", ["handle", "file"], node("fill", "InitializeTableFromTextFileV2", "handle", "file")
            ),
            function("outer", ["x", "w", "t"], node("call", "PartitionedCall", "x", "w", calls="inner")),
            function("inner", ["x", "w"], node("read", "ReadVariableOp", "w"), node("y", "Mul", "x", "read:value:0")),
            function(
                "saving", ["prefix", "w"], node("r", "ReadVariableOp", "w"), node("s", "SaveV2", "prefix", "r:value:0")
            ),
            function(
                "restoring",
                ["prefix", "w"],
                node("same", "Identity", "prefix"),
                node("r", "RestoreV2", "same:output:0"),
                node("a", "AssignVariableOp", "w", "r:tensors:0"),
            ),
        ]
    )
    meta.saver_def.filename_tensor_name = "checkpoint:0"
    meta.saver_def.restore_op_name = "restore"
    meta.signature_def["serving_default"].outputs["y"].name = "answer:0"
    meta.signature_def["__saved_model_init_op"].outputs["__saved_model_init_op"].name = "init"
    asset = meta.asset_file_def.add(filename="companies")
    asset.tensor_info.name = "asset:0"
    return model


def write(folder: Path, model: SavedModel | None = None, **changed: str) -> Path:
    """Writes an unsigned version."""
    for name, text in (TEXTS | changed).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "saved_model.pb").write_bytes((model or graph()).SerializeToString(deterministic=True))
    return folder


class Key:
    """A key that signs, made anew."""

    def __init__(self) -> None:
        self.signer = FileSigner(Ed25519PrivateKey.generate())
        self.trusted = TrustedKeys({self.signer.key.id: self.signer.key})

    @property
    def id(self) -> str:
        return self.signer.key.id

    def signs(self, model: str = "taxi", run_id: str = "20260101-000000") -> VersionSigner:
        return VersionSigner(model=model, run_id=run_id, signer=self.signer)

    def sign(self, folder: Path, model: str = "taxi") -> Path:
        """Signs a version as the model and the number that its folder says."""
        self.signs(model).sign(folder, int(folder.name), into=folder)
        return folder

    def write_public(self, path: Path) -> Path:
        from cryptography.hazmat.primitives import serialization as pem

        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.signer.key.key.public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo))
        return path


def envelope_of(version: Path) -> dict:
    return json.loads((version / SIGNATURE).read_text())


def write_envelope(version: Path, record: object) -> None:
    (version / SIGNATURE).write_text(json.dumps(record))
