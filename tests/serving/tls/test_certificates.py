"""Files that are damaged, or of a kind that nobody knows, are refused by the one error that running servers survive."""

import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from serving.tls.certificates import check_certificate
from serving.tls.errors import TlsError
from tests.serving.tls.authority import Authority


@pytest.fixture
def issued(tmp_path: Path) -> tuple[bytes, bytes]:
    """A certificate and its key, DER."""
    issued = Authority(tmp_path).issue("server")
    certificate = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
    key = load_pem_private_key(issued.key.read_bytes(), password=None)
    return (
        certificate.public_bytes(Encoding.DER),
        key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    )


def pem(der: bytes, kind: str) -> bytes:
    return ssl.DER_cert_to_PEM_cert(der).replace("CERTIFICATE", kind).encode()


def damaged(der: bytes) -> Iterator[bytes]:
    """The bytes with each of them changed in turn."""
    for place, byte in enumerate(der):
        yield der[:place] + bytes([byte ^ 0x7F]) + der[place + 1 :]


def refusals(pairs: Iterator[tuple[bytes, bytes]]) -> list[str]:
    """What is said of the pairs that are refused."""
    said = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as of a serial number below zero
        for chain, key in pairs:
            try:
                check_certificate(chain, key, "tls.crt", "tls.key")
            except TlsError as error:
                said.append(str(error))
    return said


def test_a_damaged_certificate(issued: tuple[bytes, bytes]) -> None:
    certificate, key = issued
    said = refusals((pem(each, "CERTIFICATE"), pem(key, "PRIVATE KEY")) for each in damaged(certificate))
    assert any("expected a certificate with a readable key, received Unknown key type" in each for each in said)
    assert any("expected certificates in PEM, received something else" in each for each in said)
    assert all("tls.crt" in each for each in said)


def test_a_damaged_key(issued: tuple[bytes, bytes]) -> None:
    certificate, key = issued
    said = refusals((pem(certificate, "CERTIFICATE"), pem(each, "PRIVATE KEY")) for each in damaged(key))
    unreadable = [each for each in said if "tls.key: expected a private key in PEM without a passphrase" in each]
    assert len(unreadable) > len(key) / 4
    assert all("tls.key" in each for each in said)
