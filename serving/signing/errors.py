"""Why a version is not signed, or not loaded."""

import enum


class SigningError(Exception):
    """A key cannot be used, or a version cannot be signed. The message never holds key material."""


class Reason(enum.StrEnum):
    """Why a version is refused, as the metric of refusals labels it."""

    UNSIGNED = "unsigned"  # no signature, or none that can be read
    UNKNOWN_KEY = "unknown_key"  # signed by nobody whom the verifier trusts
    BAD_SIGNATURE = "bad_signature"  # the manifest is not what the key signed
    OTHER_VERSION = "other_version"  # signed as another model, or under another number
    ALTERED_FILE = "altered_file"
    MISSING_FILE = "missing_file"
    EXTRA_FILE = "extra_file"
    NO_REGULAR_FILE = "no_regular_file"  # a symbolic link, a socket, a device
    FORBIDDEN_OPERATION = "forbidden_operation"  # the graph would reach for files, Python or the network
    UNREADABLE = "unreadable"  # a file or the graph cannot be read


class CopyError(OSError):
    """A verified version could not be copied: it is no worse for it."""


class ModelsError(OSError):
    """Some models could not be looked at, or copied; the others were."""


class RefusedVersionError(Exception):
    """A version must not be loaded.

    Attributes:
        reason: in a word.
    """

    def __init__(self, reason: Reason, message: str):
        super().__init__(message)
        self.reason = reason
