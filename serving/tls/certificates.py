"""Read a certificate and its key from PEM text, and check them before they are used."""

import dataclasses
import datetime
import logging
import stat
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from serving.tls.errors import TlsError

# Raised by `cryptography` for a damaged file, an unknown kind, or a passphrase (TypeError).
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion)
_FORM = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Certificate:
    """A chain and its key as PEM text, and when the chain's first certificate expires."""

    chain: bytes  # PEM; the server's or client's own certificate first
    key: bytes = dataclasses.field(repr=False)  # PEM
    expires: datetime.datetime  # UTC

    @property
    def seconds_left(self) -> float:
        """Return the seconds until it expires; negative afterwards."""
        return (self.expires - datetime.datetime.now(datetime.UTC)).total_seconds()


def read_pem(path: Path, what: str) -> bytes:
    """Read a file.

    Args:
        path: the file.
        what: the content's name, for the message.

    Returns:
        The bytes.

    Raises:
        TlsError: The file is missing, or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise TlsError(
            f"the {what} {path} cannot be read: expected a PEM file, received {error.strerror}; "
            "docs/how-to/tls.md shows how to make one."
        ) from error


def read_certificate(certificate: Path, key: Path) -> Certificate:
    """Read a certificate and its key from their files.

    Args:
        certificate: PEM file of the chain.
        key: PEM file of the key.

    Returns:
        The checked pair.

    Raises:
        TlsError: A file cannot be read, or `check_certificate` refuses the pair.
    """
    chain, secret = read_pem(certificate, "certificate"), read_pem(key, "key")
    return check_certificate(chain, secret, str(certificate), str(key))


def warn_of_open_key(key: Path) -> None:
    """Log a warning if every user of this machine may read a key. It is no error: Kubernetes' default is mode 0644."""
    if key.stat().st_mode & stat.S_IROTH:
        _log.warning("The key %s can be read by every user of this machine: expected mode 0640 or stricter.", key)


def check_certificate(chain: bytes, key: bytes, chain_name: str, key_name: str) -> Certificate:
    """Check that a key belongs to a certificate that is valid now.

    Args:
        chain: PEM.
        key: PEM, without a passphrase.
        chain_name: the chain's source, for messages.
        key_name: the key's source, for messages.

    Returns:
        The checked pair.

    Raises:
        TlsError: The key does not belong to the certificate, the certificate is not valid now, or one of them is not
            PEM.
    """
    own = read_chain(chain, chain_name)[0]
    try:
        fitting = own.public_key().public_bytes(*_FORM)
    except _UNREADABLE as error:
        raise TlsError(f"{chain_name}: expected a certificate with a readable key, received {error}") from error
    try:
        public = load_pem_private_key(key, password=None).public_key().public_bytes(*_FORM)
    except _UNREADABLE as error:  # no message quotes the file
        raise TlsError(
            f"{key_name}: expected a private key in PEM without a passphrase, received something else; write it with "
            "`openssl pkey`."
        ) from error
    if public != fitting:
        raise TlsError(
            f"{key_name} does not fit {chain_name}: expected the key of its first certificate, "
            f"{own.subject.rfc4514_string()}, received another one; use the two files of the same issue."
        )
    _require_valid(own, chain_name)
    return Certificate(chain=chain, key=key, expires=own.not_valid_after_utc)


def trusted(pem: bytes, name: str) -> bytes:
    """Return trusted certificates in the form that ssl loads: concatenated DER.

    Args:
        pem: PEM text.
        name: its source, for messages.

    Returns:
        DER.

    Raises:
        TlsError: There is no certificate.
    """
    return b"".join(certificate.public_bytes(Encoding.DER) for certificate in read_chain(pem, name))


def read_chain(pem: bytes, name: str) -> list[x509.Certificate]:
    """Read the certificates in PEM text.

    Args:
        pem: PEM text.
        name: its source, for messages.

    Returns:
        At least one certificate.

    Raises:
        TlsError: There is no certificate.
    """
    try:
        return x509.load_pem_x509_certificates(pem)
    except _UNREADABLE as error:
        raise TlsError(
            f"{name}: expected certificates in PEM, received something else: {error}; write it with `openssl x509`."
        ) from error


def _require_valid(certificate: x509.Certificate, name: str) -> None:
    now = datetime.datetime.now(datetime.UTC)
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > ends:
        raise TlsError(
            f"{name} has expired: expected a certificate valid now, received one valid until {ends}; renew it."
        )
    if now < begins:
        raise TlsError(
            f"{name} is not valid yet: expected a certificate valid now, received one valid from {begins}; check this "
            "machine's clock."
        )
