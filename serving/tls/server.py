"""TLS of an HTTP server's port."""

import dataclasses
import ssl
from pathlib import Path

from serving.tls.certificates import Certificate, read_certificate, read_pem, trusted
from serving.tls.errors import TlsError
from serving.tls.watched import WatchedFiles


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServerFiles:
    """The files of a TLS port, all PEM."""

    certificate: Path  # the server's own, then the intermediates up to the CA
    key: Path  # the certificate's key, without a passphrase
    client_ca: Path | None = None  # CA of the clients' certificates (mTLS); None: clients need none

    @property
    def all(self) -> list[Path]:
        """Return all files."""
        return [self.certificate, self.key, *([self.client_ca] if self.client_ca else [])]


@dataclasses.dataclass(frozen=True)
class ServerTls:
    """TLS of new connections."""

    context: ssl.SSLContext
    certificate: Certificate


def server_tls(files: ServerFiles) -> WatchedFiles[ServerTls]:
    """Return TLS of new connections, read again when a file changes.

    Args:
        files: of the port.

    Returns:
        The watched files; their `value` is the TLS context.

    Raises:
        TlsError: A file is missing, the key does not belong to the certificate, or the certificate has expired.
    """
    return WatchedFiles(files.all, lambda: _read(files))


def _read(files: ServerFiles) -> ServerTls:
    certificate = read_certificate(files.certificate, files.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(files.certificate, files.key)
    except (ssl.SSLError, OSError) as error:  # the files changed since they were checked
        raise TlsError(f"{files.certificate} and {files.key} cannot be used together: received {error}") from error
    if files.client_ca:
        pem = read_pem(files.client_ca, "clients' CA")
        context.load_verify_locations(cadata=trusted(pem, str(files.client_ca)))
        context.verify_mode = ssl.CERT_REQUIRED
    return ServerTls(context, certificate)
