"""Check a version before the server loads it: require a trusted signature, or accept any version.

The server copies a version into a private folder while it verifies it, and loads it from there. So the server loads
exactly what it verified, even if the original folder changes meanwhile. TensorFlow holds all of a loaded version in
memory, so the copy is deleted after loading and warm-up.
"""

import contextlib
import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import grpc

from serving.server.errors import ServingError
from serving.signing.errors import CopyError, Reason, RefusedVersionError, SigningError
from serving.signing.keys import TrustedKeys
from serving.signing.verification import verify

# Takes model, number and folder of a version; yields the folder to load it from.
Admission = Callable[[str, int, Path], AbstractContextManager[Path]]
_log = logging.getLogger(__name__)


class RefusedError(ServingError):
    """A version that must not be loaded.

    Args:
        message: why.
        may_pass: whether a retry can succeed, for example after a disk error; an attribute, too.
    """

    def __init__(self, message: str, *, may_pass: bool):
        super().__init__(grpc.StatusCode.UNAVAILABLE if may_pass else grpc.StatusCode.FAILED_PRECONDITION, message)
        self.may_pass = may_pass


@contextlib.contextmanager
def admit_any(model: str, number: int, version: Path) -> Iterator[Path]:
    """Accept any version, and load it from its own folder.

    Args:
        model: ignored.
        number: ignored.
        version: the version's folder.

    Yields:
        The same folder.
    """
    del model, number
    yield version


def admit_signed(keys: Path, refused: Callable[[str, str], None]) -> Admission:
    """Return a check that accepts only signed versions.

    Args:
        keys: a public key, or a folder of them; read again for each version.
        refused: called with model and reason of each refusal.

    Returns:
        The check, which yields the folder of the verified copy.
    """

    @contextlib.contextmanager
    def admit(model: str, number: int, version: Path) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="verified-") as private:
            copy = Path(private) / str(number)
            try:
                verified = verify(version, model=model, number=number, keys=TrustedKeys.read(keys), copy_to=copy)
            except RefusedVersionError as error:
                refused(model, error.reason)
                raise RefusedError(str(error), may_pass=error.reason == Reason.UNREADABLE) from error
            except (SigningError, CopyError) as error:  # no keys, or no disk space: not the version's fault
                raise ServingError(grpc.StatusCode.UNAVAILABLE, f"version {number} of {model}: {error}") from error
            _log.info("Version %d of %s is signed by key %s.", number, model, verified.key_id)
            yield copy

    return admit
