"""Sign a version where it is written, before a model server can see it."""

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
    """Sign the versions of one model."""

    model: str  # the task's name, which is the model's name on the server
    run_id: str  # of the run that pushes; empty without a run
    signer: Signer

    @property
    def key_id(self) -> str:
        """Return the id of the signing key."""
        return self.signer.key.id

    def sign(self, source: Path, version: int, *, into: Path) -> None:
        """Sign the files of one folder, and write the signature into their copy, replacing an earlier one.

        Others may be able to write the folder that versions are pushed to, and change the copy before it is signed. So
        the source is signed.

        Args:
            source: all files of the version; no other process writes it.
            version: the number under which it will be served.
            into: the folder that gets the signature.

        Raises:
            SigningError: A verifier would refuse the source, or it could not be signed.
            OSError: A folder cannot be read or written.
        """
        graph: list[bytes] = []
        try:
            with open_version(source) as files:
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
        path = into / SIGNATURE
        path.parent.mkdir(exist_ok=True)
        durable_file.write_whole(path, sealed)

    def has_signed(self, folder: Path, version: int) -> bool:
        """Return whether a version has a valid signature of this key."""
        keys = TrustedKeys({self.key_id: self.signer.key})
        try:
            verify(folder, model=self.model, number=version, keys=keys)
        except RefusedVersionError:
            return False
        return True
