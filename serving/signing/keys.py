"""Read and make Ed25519 keys in PEM files. The private half signs; the trusted public halves verify."""

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from serving import durable_file
from serving.signing.errors import SigningError

_PEM = serialization.Encoding.PEM
_ID_DIGITS = 16


@dataclasses.dataclass(frozen=True)
class PublicKey:
    """A key that verifies."""

    key: Ed25519PublicKey

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a PEM file.

        Args:
            path: the file.

        Returns:
            The key.

        Raises:
            SigningError: The file cannot be read, or holds no public Ed25519 key.
        """
        try:
            key = serialization.load_pem_public_key(path.read_bytes())
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            # The library's message may quote the file; a private key must not reach a log.
            why = error.strerror if isinstance(error, OSError) else "something else"
            raise SigningError(
                f"{path}: expected a public key in PEM, received: {why}; see docs/how-to/trust.md."
            ) from None
        if not isinstance(key, Ed25519PublicKey):
            raise SigningError(f"{path}: expected an Ed25519 key, received a {type(key).__name__.lstrip('_')}.")
        return cls(key)

    @property
    def id(self) -> str:
        """Return the first digits of the SHA-256 of the key in DER."""
        der = self.key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(der).hexdigest()[:_ID_DIGITS]

    def verifies(self, signature: bytes, signed: bytes) -> bool:
        """Return whether this key's private half signed these bytes."""
        try:
            self.key.verify(signature, signed)
        except InvalidSignature:
            return False
        return True


class TrustedKeys:
    """The trusted public keys.

    Args:
        keys: by their ids.
    """

    def __init__(self, keys: Mapping[str, PublicKey]):
        self._keys = dict(keys)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a PEM file, or all files `*.pem` of a folder.

        Args:
            path: the file or folder.

        Returns:
            The keys.

        Raises:
            SigningError: There is no key, or a file holds no public key.
        """
        files = sorted(path.glob("*.pem")) if path.is_dir() else [path]
        if not files:
            raise SigningError(f"{path}: expected at least one public key, *.pem, received a folder without any.")
        keys = [PublicKey.read(file) for file in files]
        return cls({key.id: key for key in keys})

    def find(self, key_id: str) -> PublicKey | None:
        """Return the key of that id; None if it is not trusted."""
        return self._keys.get(key_id)

    def ids(self) -> list[str]:
        """Return the ids, sorted."""
        return sorted(self._keys)


def read_private(path: Path) -> Ed25519PrivateKey:
    """Read the private half of a key from a PEM file without a password.

    Args:
        path: the file.

    Returns:
        The key.

    Raises:
        SigningError: The file cannot be read, users other than its owner may read it, or it holds no private Ed25519
            key.
    """
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise SigningError(
                    f"{path}: expected a private key that only its owner may read, received one that others may read; "
                    f"run chmod 600 {path}. If others have read it, make a new key."
                )
            key = serialization.load_pem_private_key(file.read(), password=None)
    except OSError as error:
        raise SigningError(f"{path}: expected a private key, received: {error.strerror}.") from error
    except (ValueError, TypeError, UnsupportedAlgorithm):  # the library's message may quote the file
        raise SigningError(
            f"{path}: expected a private Ed25519 key in PEM without a password, received none; make one with "
            "`python -m serving keygen`."
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningError(f"{path}: expected an Ed25519 key, received a {type(key).__name__.lstrip('_')}.")
    return key


def write_pair(private: Path, public: Path) -> str:
    """Make a key, write its halves, and return its id. Only the owner may read the private one.

    Args:
        private: file for the private half.
        public: file for the public half.

    Returns:
        The key's id.

    Raises:
        SigningError: One of the files exists already.
        OSError: A file cannot be written.
    """
    for path in (private, public):
        if path.exists():
            raise SigningError(f"{path} exists already: expected no file; name another, or move it away.")
        path.parent.mkdir(parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    durable_file.write_whole(private, pem, mode=0o600)
    known = PublicKey(key.public_key())
    spelled = known.key.public_bytes(_PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    durable_file.write_whole(public, spelled, mode=0o644)
    return known.id
