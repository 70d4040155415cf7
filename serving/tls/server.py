"""TLS of a port that answers HTTP."""

import dataclasses
import ssl
from pathlib import Path

from serving.tls.certificates import Certificate, read_certificate, read_pem, trusted
from serving.tls.errors import TlsError
from serving.tls.watched import WatchedFiles


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServerFiles:
    """The files of a port that speaks TLS, all PEM."""

    certificate: Path  # the server's own, then those between it and the CA
    key: Path  # of that certificate, without a passphrase
    client_ca: Path | None = None  # who signs clients' certificates (mTLS); None: clients need none

    @property
    def all(self) -> list[Path]:
        """Return every file."""
        return [self.certificate, self.key, *([self.client_ca] if self.client_ca else [])]


@dataclasses.dataclass(frozen=True)
class ServerTls:
    """What a connection is secured with."""

    context: ssl.SSLContext
    certificate: Certificate


def server_tls(files: ServerFiles) -> WatchedFiles[ServerTls]:
    """Return what new connections are secured with, read again when a file changes.

    Raises:
        TlsError: A file is missing, the key does not fit, or the certificate has expired.
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
    except (ssl.SSLError, OSError) as error:  # another pair than the one that was just checked
        raise TlsError(f"{files.certificate} and {files.key} cannot be used together: received {error}") from error
    if files.client_ca:
        pem = read_pem(files.client_ca, "clients' CA")
        context.load_verify_locations(cadata=trusted(pem, str(files.client_ca)))
        context.verify_mode = ssl.CERT_REQUIRED
    return ServerTls(context, certificate)
