"""TLS of a client: whom it trusts, and what it shows of itself."""

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

    ca: Path | None = None  # who signs servers' certificates; None: those whom this system trusts
    certificate: Path | None = None  # the client's own (mTLS)
    key: Path | None = None  # of that certificate, without a passphrase
    server_name: str | None = None  # that the server's certificate must have; None: the host of the address

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            given = "certificate" if self.certificate else "key"
            raise TlsError(f"a client's certificate: expected certificate and key, or neither, received only {given}.")

    @property
    def extensions(self) -> dict[str, str]:
        """Return what httpx takes beside a request, so that the server has to be `server_name`."""
        return {"sni_hostname": self.server_name} if self.server_name else {}

    @property
    def all(self) -> list[Path]:
        """Return every file."""
        return [path for path in (self.ca, self.certificate, self.key) if path]


@dataclasses.dataclass(frozen=True)
class ClientTls:
    """What a connection is opened with."""

    context: ssl.SSLContext
    certificate: Certificate | None  # None: it shows none
    ca: bytes | None  # PEM; None: this system's


def client_tls(files: ClientFiles) -> WatchedFiles[ClientTls]:
    """Return what new connections are opened with, read again when a file changes.

    Raises:
        TlsError: A file is missing, the key does not fit, or the certificate has expired.
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
