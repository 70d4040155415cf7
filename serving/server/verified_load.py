"""What a version has to be before the server loads it: signed by a trusted key, or anything.

A version is copied into a private folder while it is verified, and loaded from there. So what is loaded is what was
verified, whatever becomes of the folder meanwhile. TensorFlow holds all of a loaded version in memory, so the copy goes
when the version is loaded and warmed up.
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

# Takes model, number and folder of a version; gives the folder to load it from.
Admission = Callable[[str, int, Path], AbstractContextManager[Path]]
_log = logging.getLogger(__name__)


class RefusedError(ServingError):
    """A version that must not be loaded.

    Attributes:
        may_pass: whether another attempt could end otherwise: a disk may be away for a moment.
    """

    def __init__(self, message: str, *, may_pass: bool):
        super().__init__(grpc.StatusCode.UNAVAILABLE if may_pass else grpc.StatusCode.FAILED_PRECONDITION, message)
        self.may_pass = may_pass


@contextlib.contextmanager
def admit_any(model: str, number: int, version: Path) -> Iterator[Path]:
    """Have a version loaded from where it lies, whoever put it there."""
    del model, number
    yield version


def admit_signed(keys: Path, refused: Callable[[str, str], None]) -> Admission:
    """Have only signed versions loaded.

    Args:
        keys: a public key, or a folder of them; read anew for each version.
        refused: takes model and reason of each refusal.
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
            except (SigningError, CopyError) as error:  # no keys, or no room for a copy: the version is no worse for it
                raise ServingError(grpc.StatusCode.UNAVAILABLE, f"version {number} of {model}: {error}") from error
            _log.info("Version %d of %s is signed by key %s.", number, model, verified.key_id)
            yield copy

    return admit
