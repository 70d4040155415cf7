"""Keys in files, and who signs: a file, or a command as for a key management service."""

import base64
import shlex
import sys
from pathlib import Path

import pytest

from serving.signing.errors import SigningError
from serving.signing.keys import PublicKey, TrustedKeys, read_private, write_pair
from serving.signing.signers import CommandSigner, SigningKey
from tests.serving.signing.signed_models import Key

# What a command for a key management service does, with a key in a file in the service's stead.
SERVICE = """
import base64, sys
from cryptography.hazmat.primitives.serialization import load_pem_private_key
key = load_pem_private_key(open(sys.argv[1], "rb").read(), None)
signature = key.sign(sys.stdin.buffer.read())
sys.stdout.buffer.write(base64.b64encode(signature) + b"\\n" if sys.argv[2] == "base64" else signature)
"""


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    private, public = tmp_path / "keys" / "signing.pem", tmp_path / "trusted" / "signing.pem"
    write_pair(private, public)
    return private, public


def test_a_new_pair(pair: tuple[Path, Path]) -> None:
    private, public = pair
    assert private.stat().st_mode & 0o777 == 0o600
    signer = SigningKey(file=private).open()
    assert signer.key.id == PublicKey.read(public).id
    assert PublicKey.read(public).verifies(signer.sign(b"bytes"), b"bytes")
    assert not PublicKey.read(public).verifies(signer.sign(b"bytes"), b"other bytes")


def test_a_pair_is_never_written_over(pair: tuple[Path, Path], tmp_path: Path) -> None:
    private, public = pair
    before = private.read_bytes(), public.read_bytes()
    for paths in ((private, tmp_path / "new.pem"), (tmp_path / "new.pem", public)):
        with pytest.raises(SigningError, match="exists already: expected no file"):
            write_pair(*paths)
    assert (private.read_bytes(), public.read_bytes()) == before
    assert not (tmp_path / "new.pem").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_private_key_that_others_may_use(pair: tuple[Path, Path], mode: int) -> None:
    pair[0].chmod(mode)
    with pytest.raises(SigningError, match="only its owner may read, received one that others may read; run chmod 600"):
        read_private(pair[0])


def test_a_public_key_where_a_private_one_is_expected_and_the_reverse(pair: tuple[Path, Path]) -> None:
    private, public = pair
    public.chmod(0o600)
    with pytest.raises(SigningError, match=r"expected a private Ed25519 key in PEM .* received none") as error:
        read_private(public)
    assert "BEGIN" not in str(error.value)
    with pytest.raises(SigningError, match="expected a public key in PEM, received: something else") as error:
        TrustedKeys.read(private)
    assert "PRIVATE" not in str(error.value)
    assert error.value.__suppress_context__


def test_keys_of_another_kind(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    (tmp_path / "public.pem").write_bytes(
        key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    (tmp_path / "private.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (tmp_path / "private.pem").chmod(0o600)
    with pytest.raises(SigningError, match="expected an Ed25519 key, received a "):
        PublicKey.read(tmp_path / "public.pem")
    with pytest.raises(SigningError, match="expected an Ed25519 key, received a "):
        read_private(tmp_path / "private.pem")


def test_a_folder_of_trusted_keys(tmp_path: Path) -> None:
    first, second = Key(), Key()
    with pytest.raises(SigningError, match=r"at least one public key, \*\.pem, received a folder without any"):
        TrustedKeys.read(tmp_path)
    first.write_public(tmp_path / "2026.pem")
    second.write_public(tmp_path / "2027.pem")
    (tmp_path / "notes.txt").write_text("no key")
    found = TrustedKeys.read(tmp_path)
    assert found.ids() == sorted([first.id, second.id])
    (tmp_path / "2026.pem").unlink()
    assert TrustedKeys.read(tmp_path).ids() == TrustedKeys.read(tmp_path / "2027.pem").ids() == [second.id]
    with pytest.raises(SigningError, match=r"none\.pem: expected a public key in PEM, received: No such file"):
        TrustedKeys.read(tmp_path / "none.pem")


def command(tmp_path: Path, source: str, *arguments: object) -> str:
    script = tmp_path / "sign with service.py"
    script.write_text(source)
    return shlex.join([sys.executable, str(script), *map(str, arguments)])


@pytest.mark.parametrize("spelling", ["raw", "base64"])
def test_a_command_signs(pair: tuple[Path, Path], tmp_path: Path, spelling: str) -> None:
    private, public = pair
    signer = SigningKey(file=public, command=command(tmp_path, SERVICE, private, spelling)).open()
    assert signer.key.verifies(signer.sign(b"bytes"), b"bytes")


def test_a_command_with_another_key(pair: tuple[Path, Path], tmp_path: Path) -> None:
    other = Key()
    signer = CommandSigner(command(tmp_path, SERVICE, pair[0], "raw"), other.signer.key)
    with pytest.raises(SigningError, match=f"did not sign with key {other.id}: expected 64 bytes"):
        signer.sign(b"bytes")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("/none/such --key 1", "the signing command /none/such returned no signature: .*No such file"),
        ("false", "the signing command false ended with status 1: no message"),
        ("sh -c 'echo no permission >&2; exit 3'", "the signing command sh ended with status 3: no permission"),
        ("cat", "the signing command cat did not sign with key"),
        ("true", "the signing command true did not sign with key .* received 0 bytes"),
    ],
)
def test_a_command_that_does_not_sign(words: str, message: str, key: Key) -> None:
    with pytest.raises(SigningError, match=message):
        CommandSigner(words, key.signer.key).sign(base64.b64decode("AAAA"))


@pytest.mark.parametrize(("words", "message"), [("", "received an empty one"), ("'", "cannot be read: No closing")])
def test_what_is_no_command(words: str, message: str, key: Key) -> None:
    with pytest.raises(SigningError, match=message):
        CommandSigner(words, key.signer.key)
