"""A certificate with its key, read from PEM text and checked before anything is served with it."""

import dataclasses
import datetime
import logging
import stat
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from serving.tls.errors import TlsError

# What `cryptography` raises of a file that is damaged, of a kind it does not know, or has a passphrase (TypeError).
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion)
_FORM = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Certificate:
    """A chain and its key as PEM text, and until when the first certificate of the chain is valid."""

    chain: bytes  # PEM; the server's or client's own certificate first
    key: bytes = dataclasses.field(repr=False)  # PEM
    expires: datetime.datetime  # UTC

    @property
    def seconds_left(self) -> float:
        """Seconds until it expires; negative afterwards."""
        return (self.expires - datetime.datetime.now(datetime.UTC)).total_seconds()


def read_pem(path: Path, what: str) -> bytes:
    """Read a file.

    Args:
        path: the file.
        what: what it holds, for the message.

    Raises:
        TlsError: It is not there, or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise TlsError(
            f"the {what} {path} cannot be read: expected a PEM file, received {error.strerror}; docs/tls.md says how "
            "to make one."
        ) from error


def read_certificate(certificate: Path, key: Path) -> Certificate:
    """Read a certificate and its key from their files.

    Raises:
        TlsError: A file cannot be read, or `check_certificate` refuses them.
    """
    chain, secret = read_pem(certificate, "certificate"), read_pem(key, "key")
    return check_certificate(chain, secret, str(certificate), str(key))


def warn_of_open_key(key: Path) -> None:
    """Log that every user of this machine may read a key. No more than that: Kubernetes' own default is mode 0644."""
    if key.stat().st_mode & stat.S_IROTH:
        _log.warning("The key %s can be read by every user of this machine: expected mode 0640 or stricter.", key)


def check_certificate(chain: bytes, key: bytes, chain_name: str, key_name: str) -> Certificate:
    """Check that a key belongs to a certificate that is valid now.

    Args:
        chain: PEM.
        key: PEM, without a passphrase.
        chain_name: where the chain came from, for messages.
        key_name: where the key came from, for messages.

    Raises:
        TlsError: It does not, or it is not, or one of them is no PEM.
    """
    own = read_chain(chain, chain_name)[0]
    try:
        fitting = own.public_key().public_bytes(*_FORM)
    except _UNREADABLE as error:
        raise TlsError(f"{chain_name}: expected a certificate of a key that can be read, received {error}") from error
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
            f"{own.subject.rfc4514_string()}, received another one; the two files must be of one issue."
        )
    _require_valid(own, chain_name)
    return Certificate(chain=chain, key=key, expires=own.not_valid_after_utc)


def trusted(pem: bytes, name: str) -> bytes:
    """The certificates in PEM text as ssl takes those that it shall trust: DER, one after the other.

    Raises:
        TlsError: There is none.
    """
    return b"".join(certificate.public_bytes(Encoding.DER) for certificate in read_chain(pem, name))


def read_chain(pem: bytes, name: str) -> list[x509.Certificate]:
    """The certificates in PEM text; at least one.

    Raises:
        TlsError: There is none.
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
        raise TlsError(f"{name} has expired: expected a certificate valid now, received one until {ends}; renew it.")
    if now < begins:
        raise TlsError(
            f"{name} is not valid yet: expected a certificate valid now, received one from {begins}; is this "
            "machine's clock right?"
        )
