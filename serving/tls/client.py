"""TLS of a client: the CAs that it trusts, and its own certificate."""

import dataclasses
import ssl
from pathlib import Path

from serving.tls.certificates import Certificate, read_certificate, read_pem, trusted
from serving.tls.errors import TlsError
from serving.tls.watched import WatchedFiles


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClientFiles:
    """The files of a client, all PEM.

    Raises:
        TlsError: There is a certificate without a key, or a key without a certificate.
    """

    ca: Path | None = None  # CA of the servers' certificates; None: the system's trusted CAs
    certificate: Path | None = None  # the client's certificate (mTLS)
    key: Path | None = None  # the certificate's key, without a passphrase
    server_name: str | None = None  # the name in the server's certificate; None: the host of the address

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            given = "certificate" if self.certificate else "key"
            raise TlsError(f"a client's certificate: expected certificate and key, or neither, received only {given}.")

    @property
    def extensions(self) -> dict[str, str]:
        """Return the httpx extensions that require the server to be `server_name`."""
        return {"sni_hostname": self.server_name} if self.server_name else {}

    @property
    def all(self) -> list[Path]:
        """Return all files."""
        return [path for path in (self.ca, self.certificate, self.key) if path]


@dataclasses.dataclass(frozen=True)
class ClientTls:
    """TLS of new connections."""

    context: ssl.SSLContext
    certificate: Certificate | None  # None: the client shows none
    ca: bytes | None  # PEM; None: the system's CAs


def client_tls(files: ClientFiles) -> WatchedFiles[ClientTls]:
    """Return TLS of new connections, read again when a file changes.

    Args:
        files: of the client.

    Returns:
        The watched files; their `value` is the TLS context.

    Raises:
        TlsError: A file is missing, the key does not belong to the certificate, or the certificate has expired.
    """
    return WatchedFiles(files.all, lambda: _read(files))


def _read(files: ClientFiles) -> ClientTls:
    ca = read_pem(files.ca, "CA") if files.ca else None
    context = ssl.create_default_context(cadata=trusted(ca, str(files.ca)) if ca is not None else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    own = None
    if files.certificate and files.key:
        own = read_certificate(files.certificate, files.key)
        try:
            context.load_cert_chain(files.certificate, files.key)
        except (ssl.SSLError, OSError) as error:
            raise TlsError(f"{files.certificate} and {files.key} cannot be used together: received {error}") from error
    return ClientTls(context, own, ca)
