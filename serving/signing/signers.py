"""Sign with a private key in a file, or with a command that asks a key management service."""

import base64
import binascii
import dataclasses
import shlex
import subprocess
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from serving.signing.errors import SigningError
from serving.signing.keys import PublicKey, read_private

_COMMAND_SECONDS = 60
_SIGNATURE_BYTES = 64  # of Ed25519


class Signer(Protocol):
    """Signs bytes."""

    @property
    def key(self) -> PublicKey:
        """Return the key that verifies its signatures."""

    def sign(self, data: bytes) -> bytes:
        """Return the signature, 64 bytes.

        Args:
            data: the bytes to sign.

        Returns:
            The signature.

        Raises:
            SigningError: The bytes could not be signed.
        """


@dataclasses.dataclass(frozen=True, kw_only=True)
class SigningKey:
    """The location of a signer. It names files and a command, and holds no secret."""

    file: Path  # the private key; with a command, the public key of its signatures
    command: str | None = None  # receives the bytes on standard input; see CommandSigner

    def open(self) -> Signer:
        """Return the signer.

        Returns:
            A signer that is ready.

        Raises:
            SigningError: The key cannot be used.
        """
        if self.command is None:
            return FileSigner(read_private(self.file))
        return CommandSigner(self.command, PublicKey.read(self.file))


class FileSigner:
    """Sign with a private key."""

    def __init__(self, private: Ed25519PrivateKey):
        self._private = private
        self.key = PublicKey(private.public_key())

    def sign(self, data: bytes) -> bytes:
        """Sign the bytes."""
        return self._private.sign(data)


class CommandSigner:
    """Sign with a command. It reads the bytes from standard input and writes the signature, raw or in base64.

    Args:
        command: written as for a shell; no shell runs it.
        key: verifies its signatures.

    Raises:
        SigningError: The command cannot be split into words.
    """

    def __init__(self, command: str, key: PublicKey):
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise SigningError(f"the signing command cannot be read: {error}") from error
        if not self._words:
            raise SigningError("expected a signing command, received an empty one.")
        self.key = key

    def sign(self, data: bytes) -> bytes:
        """Sign the bytes, and check the signature.

        Args:
            data: the bytes to sign.

        Returns:
            The signature.

        Raises:
            SigningError: The command failed, took over a minute, or signed with another key.
        """
        name = self._words[0]
        try:
            done = subprocess.run(self._words, input=data, capture_output=True, timeout=_COMMAND_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            why = f"took over {_COMMAND_SECONDS} s" if isinstance(error, subprocess.TimeoutExpired) else str(error)
            raise SigningError(f"the signing command {name} returned no signature: {why}") from error
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()[-500:]
            raise SigningError(
                f"the signing command {name} ended with status {done.returncode}: {said or 'no message'}"
            )
        signature = _decode(done.stdout)
        if signature is None or not self.key.verifies(signature, data):
            raise SigningError(
                f"the signing command {name} did not sign with key {self.key.id}: expected {_SIGNATURE_BYTES} bytes, "
                f"raw or in base64, that this key verifies, received {len(done.stdout)} bytes that it does not verify."
            )
        return signature


def _decode(output: bytes) -> bytes | None:
    if len(output) == _SIGNATURE_BYTES:
        return output
    try:
        return base64.b64decode(output.strip(), validate=True)
    except binascii.Error:
        return None
