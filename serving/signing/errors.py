"""Errors of signing and verification, and the reasons of refusals."""

import enum


class SigningError(Exception):
    """A key cannot be used, or a version cannot be signed. The message never holds key material."""


class Reason(enum.StrEnum):
    """Why a version is refused; the values are labels of the metric of refusals."""

    UNSIGNED = "unsigned"  # no signature, or an unreadable one
    UNKNOWN_KEY = "unknown_key"  # not signed by a key that the verifier trusts
    BAD_SIGNATURE = "bad_signature"  # the manifest differs from what the key signed
    OTHER_VERSION = "other_version"  # signed as another model, or under another number
    ALTERED_FILE = "altered_file"
    MISSING_FILE = "missing_file"
    EXTRA_FILE = "extra_file"
    NO_REGULAR_FILE = "no_regular_file"  # a symbolic link, a socket, a device
    FORBIDDEN_OPERATION = "forbidden_operation"  # the graph would access files, Python or the network
    UNREADABLE = "unreadable"  # a file or the graph cannot be read


class CopyError(OSError):
    """A verified version could not be copied; the version itself is fine."""


class ModelsError(OSError):
    """Some models could not be read or copied; the others were."""


class RefusedVersionError(Exception):
    """A version must not be loaded.

    Args:
        reason: in a word; an attribute, too.
        message: the reason in words.
    """

    def __init__(self, reason: Reason, message: str):
        super().__init__(message)
        self.reason = reason
