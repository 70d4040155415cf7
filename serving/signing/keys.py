"""Ed25519 keys in PEM files. The private half signs; the public halves of all who are trusted verify."""

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

        Raises:
            SigningError: It cannot be read, or holds no public Ed25519 key.
        """
        try:
            key = serialization.load_pem_public_key(path.read_bytes())
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            # The library's message may quote the file; a private key must not reach a log.
            why = error.strerror if isinstance(error, OSError) else "it is none"
            raise SigningError(f"{path}: expected a public key in PEM, received: {why}; see docs/trust.md.") from None
        if not isinstance(key, Ed25519PublicKey):
            raise SigningError(f"{path}: expected an Ed25519 key, received a {type(key).__name__.lstrip('_')}.")
        return cls(key)

    @property
    def id(self) -> str:
        """The first digits of the SHA-256 of the key in DER."""
        der = self.key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(der).hexdigest()[:_ID_DIGITS]

    def verifies(self, signature: bytes, signed: bytes) -> bool:
        """Whether this key's other half signed these bytes."""
        try:
            self.key.verify(signature, signed)
        except InvalidSignature:
            return False
        return True


class TrustedKeys:
    """The public keys whose signatures count."""

    def __init__(self, keys: Mapping[str, PublicKey]):
        """Take the keys by their ids."""
        self._keys = dict(keys)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a PEM file, or all files `*.pem` of a folder.

        Raises:
            SigningError: There is none, or one of them holds no public key.
        """
        files = sorted(path.glob("*.pem")) if path.is_dir() else [path]
        if not files:
            raise SigningError(f"{path}: expected at least one public key, *.pem, received a folder without any.")
        keys = [PublicKey.read(file) for file in files]
        return cls({key.id: key for key in keys})

    def find(self, key_id: str) -> PublicKey | None:
        """Return the key of that id; None: it is not trusted."""
        return self._keys.get(key_id)

    def ids(self) -> list[str]:
        """The ids, sorted."""
        return sorted(self._keys)


def read_private(path: Path) -> Ed25519PrivateKey:
    """Read the private half of a key from a PEM file without a password.

    Raises:
        SigningError: It cannot be read, others than its owner may read it, or it holds no private Ed25519 key.
    """
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise SigningError(
                    f"{path}: expected a private key that its owner alone may read, received one that others may: "
                    f"chmod 600 {path}. If others did read it, make a new one."
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

    Raises:
        SigningError: One of the files is there already.
        OSError: A file cannot be written.
    """
    for path in (private, public):
        if path.exists():
            raise SigningError(f"{path} is there already: expected no file; name another, or move it away.")
        path.parent.mkdir(parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    durable_file.write_whole(private, pem, mode=0o600)
    known = PublicKey(key.public_key())
    spelled = known.key.public_bytes(_PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    durable_file.write_whole(public, spelled, mode=0o644)
    return known.id
