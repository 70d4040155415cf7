"""Verify a version before it is loaded: its signature, its name and number, and that nothing changed."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

from serving.signing import envelope
from serving.signing.errors import CopyError, Reason, RefusedVersionError
from serving.signing.graph_check import GRAPH, check_graph
from serving.signing.keys import TrustedKeys
from serving.signing.manifest import FileDigest, Manifest
from serving.signing.version_files import VersionFiles, open_version

SIGNATURE = str(envelope.FILE)


@dataclasses.dataclass(frozen=True)
class VerifiedVersion:
    """A version whose signature is valid."""

    manifest: Manifest
    key_id: str  # of the key that signed it


def verify(
    version: Path, *, model: str, number: int, keys: TrustedKeys, copy_to: Path | None = None
) -> VerifiedVersion:
    """Verify a version; with `copy_to`, copy exactly the verified bytes.

    The original folder may change after the verification, so a model server loads the copy. Nothing is copied unless
    its name and size are signed.

    Args:
        version: its folder.
        model: the model's name on the server.
        number: the version's number.
        keys: the trusted keys.
        copy_to: a folder that does not exist yet, and that no other process can write.

    Returns:
        The manifest, and the key's id.

    Raises:
        RefusedVersionError: The version must not be loaded; the message says why. A partial copy may be left.
        CopyError: The copy cannot be written.
    """
    try:
        with open_version(version) as files:
            sealed = files.read(SIGNATURE, envelope.LARGEST)
            if sealed is None:
                raise RefusedVersionError(
                    Reason.UNSIGNED,
                    f"it has no signature: expected {SIGNATURE}; push it with `--sign` (docs/how-to/trust.md).",
                )
            payload, key_id = envelope.unseal(sealed, keys)
            manifest = _decode(payload)
            _require_asked_for(manifest, model, number)
            _require_same_names(files.names(len(manifest.files)), manifest)
            graph = _require_same_files(files, manifest, copy_to)
            check_graph(graph, manifest.files)
            if copy_to is not None:
                with _sink(copy_to / SIGNATURE) as sink:
                    sink(sealed)
    except RefusedVersionError as error:
        raise RefusedVersionError(error.reason, f"version {number} of {model} must not be loaded: {error}") from error
    except CopyError:
        raise
    except OSError as error:
        raise RefusedVersionError(
            Reason.UNREADABLE, f"version {number} of {model} must not be loaded: {version} cannot be read: {error}"
        ) from error
    return VerifiedVersion(manifest, key_id)


def _decode(payload: bytes) -> Manifest:
    try:
        return Manifest.decode(payload)
    except (ValueError, RecursionError) as error:
        raise RefusedVersionError(Reason.UNSIGNED, f"the signed payload is not a manifest: {error}") from error


def _require_asked_for(manifest: Manifest, model: str, number: int) -> None:
    if (manifest.model, manifest.version) != (model, number):
        raise RefusedVersionError(
            Reason.OTHER_VERSION,
            f"it is signed as version {manifest.version} of {manifest.model}; it was renamed, or copied from there. "
            "Push it again.",
        )


def _require_same_names(found: list[str], manifest: Manifest) -> None:
    signed, there = set(manifest.files), set(found) - {SIGNATURE}
    if missing := sorted(signed - there):
        raise RefusedVersionError(Reason.MISSING_FILE, f"{_listed(missing)} is missing; push it again.")
    if extra := sorted(there - signed):
        raise RefusedVersionError(Reason.EXTRA_FILE, f"{_listed(extra)} was added after it was signed; push it again.")


def _require_same_files(files: VersionFiles, manifest: Manifest, copy_to: Path | None) -> bytes:
    """Compare every file with its digest, copy it if requested, and return the graph."""
    graph: list[bytes] = []
    for name, signed in sorted(manifest.files.items()):
        with contextlib.ExitStack() as stack:
            sinks: list[Callable[[bytes], object]] = [graph.append] if name == GRAPH else []
            if copy_to is not None:
                sinks.append(stack.enter_context(_sink(copy_to / name)))
            found = files.digest(name, *sinks, most=signed.size)
        if found != signed:
            raise _altered(name, signed, found)
    return b"".join(graph)


def _altered(name: str, signed: FileDigest, found: FileDigest) -> RefusedVersionError:
    return RefusedVersionError(
        Reason.ALTERED_FILE,
        f"{name!r} was altered: expected {signed.size} bytes with SHA-256 {signed.sha256[:16]}…, received {found.size} "
        f"bytes with {found.sha256[:16]}…; push it again.",
    )


@contextlib.contextmanager
def _sink(path: Path) -> Iterator[Callable[[bytes], object]]:
    """Open a file to write to.

    Args:
        path: of a file that does not exist yet.

    Yields:
        A function that writes a chunk to the file.

    Raises:
        CopyError: The file cannot be written, here or in a call of the yielded function.
    """

    def write(chunk: bytes) -> None:
        rest = memoryview(chunk)
        try:
            while rest:  # unbuffered: a buffer would be written again when the file is closed on a full disk
                rest = rest[file.write(rest) :]
        except OSError as error:
            raise CopyError(*error.args) from error

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("xb", buffering=0)
    except OSError as error:
        raise CopyError(*error.args) from error
    with file:
        yield write


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
