"""Signs a version where it is written, before a model server can see it."""

import dataclasses
import datetime
from pathlib import Path

from serving import durable_file
from serving.signing import envelope
from serving.signing.errors import RefusedVersionError, SigningError
from serving.signing.graph_check import GRAPH, check_graph
from serving.signing.keys import TrustedKeys
from serving.signing.manifest import Manifest
from serving.signing.signers import Signer
from serving.signing.verification import SIGNATURE, verify
from serving.signing.version_files import open_version


@dataclasses.dataclass(frozen=True, kw_only=True)
class VersionSigner:
    """Signs the versions of one model."""

    model: str  # the task's name, which the server knows the model by
    run_id: str  # of the run that pushes; empty where there is none
    signer: Signer

    @property
    def key_id(self) -> str:
        """The id of the key that it signs with."""
        return self.signer.key.id

    def sign(self, folder: Path, version: int) -> None:
        """Writes the signature into the folder, over one that may be there.

        Args:
            folder: with all files of the version, which nobody else writes.
            version: the number under which it will be served.

        Raises:
            SigningError: It holds what no verifier lets through, or there is no signature.
            OSError: It cannot be read or written.
        """
        graph: list[bytes] = []
        try:
            with open_version(folder) as files:
                digests = {
                    name: files.digest(name, *([graph.append] if name == GRAPH else []))
                    for name in files.names()
                    if name != SIGNATURE
                }
            check_graph(b"".join(graph), digests)
        except RefusedVersionError as error:
            raise SigningError(f"the model cannot be signed: {error}") from error
        manifest = Manifest(
            model=self.model,
            version=version,
            run_id=self.run_id,
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            files=digests,
        )
        sealed = envelope.seal(manifest.encode(), self.key_id, self.signer.sign)
        path = folder / SIGNATURE
        path.parent.mkdir(exist_ok=True)
        durable_file.write_whole(path, sealed)

    def has_signed(self, folder: Path, version: int) -> bool:
        """Whether a version has a signature of this key that holds."""
        keys = TrustedKeys({self.key_id: self.signer.key})
        try:
            verify(folder, model=self.model, number=version, keys=keys)
        except RefusedVersionError:
            return False
        return True
