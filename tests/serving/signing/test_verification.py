"""Whatever is done to a signed version, it is refused, and the reason is told."""

import base64
import os
import resource
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from serving.signing import envelope
from serving.signing.errors import CopyError, Reason, RefusedVersionError
from serving.signing.manifest import Manifest
from serving.signing.verification import SIGNATURE, VerifiedVersion, verify
from serving.signing.version_files import open_version
from tests.serving.signing.signed_models import TEXTS, Key, envelope_of, write, write_envelope

FILES = [*TEXTS, "saved_model.pb"]


def refused(folder: Path, key: Key, *, model: str = "taxi", number: int = 7) -> tuple[Reason, str]:
    with pytest.raises(RefusedVersionError) as error:
        verify(folder, model=model, number=number, keys=key.trusted)
    assert str(error.value).startswith(f"version {number} of {model} must not be loaded: ")
    return error.value.reason, str(error.value)


def verified(folder: Path, key: Key, copy_to: Path | None = None) -> VerifiedVersion:
    return verify(folder, model="taxi", number=7, keys=key.trusted, copy_to=copy_to)


def test_what_was_signed_is_what_is_vouched_for(version: Path, key: Key) -> None:
    found = verified(version, key)
    assert found.key_id == key.id
    assert (found.manifest.model, found.manifest.version, found.manifest.run_id) == ("taxi", 7, "20260101-000000")
    assert sorted(found.manifest.files) == sorted(FILES)
    assert {name: digest.size for name, digest in found.manifest.files.items() if name in TEXTS} == {
        name: len(text) for name, text in TEXTS.items()
    }


ALTERATIONS: dict[str, Callable[[bytes], bytes]] = {
    "first bit": lambda data: bytes([data[0] ^ 1]) + data[1:],
    "last bit": lambda data: data[:-1] + bytes([data[-1] ^ 128]),
    "cut": lambda data: data[:-1],
    "emptied": lambda data: b"",
    "appended": lambda data: data + b"\0",
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("how", ALTERATIONS)
def test_an_altered_file(version: Path, key: Key, name: str, how: str) -> None:
    path = version / name
    path.write_bytes(ALTERATIONS[how](path.read_bytes()))
    reason, message = refused(version, key)
    assert (reason, repr(name) in message) == (Reason.ALTERED_FILE, True)


@pytest.mark.parametrize("how", ALTERATIONS)
def test_an_altered_signature(version: Path, key: Key, how: str) -> None:
    record = envelope_of(version)
    for field in ("payload", "sig"):
        altered = envelope_of(version)
        place = altered if field == "payload" else altered["signatures"][0]
        place[field] = base64.b64encode(ALTERATIONS[how](base64.b64decode(place[field]))).decode()
        write_envelope(version, altered)
        assert refused(version, key)[0] == Reason.BAD_SIGNATURE
    write_envelope(version, record)
    verified(version, key)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file(version: Path, key: Key, name: str) -> None:
    (version / name).unlink()
    reason, message = refused(version, key)
    assert (reason, f"{name!r} is missing" in message) == (Reason.MISSING_FILE, True)


@pytest.mark.parametrize(
    "name", ["more", "variables/more", "assets.extra/more", "new/folder/more", ".hidden", "saved_model.pbtxt", "\udcff"]
)
def test_an_added_file(version: Path, key: Key, name: str) -> None:
    path = version / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    reason, message = refused(version, key)
    assert (reason, f"{name!r} was added" in message) == (Reason.EXTRA_FILE, True)


def test_more_files_and_folders_than_anyone_can_list(version: Path, key: Key) -> None:
    """They cost no memory: the list ends where it is known that the version is refused."""
    for name in range(2 * len(FILES) + 200):
        (version / "variables" / f"{name}").touch()
    reason, message = refused(version, key)
    assert (reason, "files and folders: expected 6 files" in message) == (Reason.EXTRA_FILE, True)


def test_folders_without_end(version: Path, key: Key) -> None:
    (version / Path(*"abcdefgh" * 5)).mkdir(parents=True)
    reason, message = refused(version, key)
    assert (reason, "is over 32 folders deep" in message) == (Reason.EXTRA_FILE, True)


def test_no_signature(version: Path, key: Key) -> None:
    (version / SIGNATURE).unlink()
    reason, message = refused(version, key)
    assert reason == Reason.UNSIGNED
    assert f"it has no signature: expected {SIGNATURE}; push it with `--sign`" in message


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"payloadType": "text"}', "[" * 100_000, "\xff", '{"payloadType": 1e999}']
)
def test_what_is_no_signature(version: Path, key: Key, text: str) -> None:
    (version / SIGNATURE).write_text(text, encoding="latin-1")
    assert refused(version, key)[0] == Reason.UNSIGNED


def test_a_signature_without_end_is_not_read(version: Path, key: Key) -> None:
    with (version / SIGNATURE).open("wb") as file:
        file.truncate(envelope.LARGEST + 1)
    assert refused(version, key)[0] == Reason.ALTERED_FILE


def test_another_key(version: Path, key: Key) -> None:
    stranger = Key()
    stranger.sign(version)
    reason, message = refused(version, key)
    assert reason == Reason.UNKNOWN_KEY
    assert f"signed by {stranger.id}: expected one of the keys {key.id}" in message
    record = envelope_of(version)
    record["signatures"][0]["keyid"] = key.id  # the stranger claims to be somebody else
    write_envelope(version, record)
    assert refused(version, key)[0] == Reason.BAD_SIGNATURE
    record["signatures"] = []
    write_envelope(version, record)
    assert refused(version, key)[0] == Reason.UNKNOWN_KEY


def test_a_renamed_version(version: Path, key: Key) -> None:
    moved = version.rename(version.with_name("8"))
    reason, message = refused(moved, key, number=8)
    assert reason == Reason.OTHER_VERSION
    assert "it is signed as version 7 of taxi; it was renamed, or copied from there" in message


def test_a_version_of_another_model(version: Path, key: Key, tmp_path: Path) -> None:
    other = shutil.copytree(version, tmp_path / "churn" / "7")
    assert refused(other, key, model="churn")[0] == Reason.OTHER_VERSION


def test_swapped_signatures(version: Path, key: Key, tmp_path: Path) -> None:
    other = key.sign(write(tmp_path / "taxi" / "8", **{"assets/companies": "Green\n"}))
    own, others = (folder / SIGNATURE for folder in (version, other))
    text = own.read_text()
    own.write_text(others.read_text())
    others.write_text(text)
    assert refused(version, key)[0] == refused(other, key, number=8)[0] == Reason.OTHER_VERSION


def test_files_of_another_signed_version(version: Path, key: Key, tmp_path: Path) -> None:
    other = key.sign(write(tmp_path / "taxi" / "8", **{"variables/variables.index": "another"}))
    shutil.copyfile(other / "variables/variables.index", version / "variables/variables.index")
    assert refused(version, key)[0] == Reason.ALTERED_FILE


def test_a_link_to_the_same_bytes(version: Path, key: Key, tmp_path: Path) -> None:
    """What a link leads to may be something else a moment later."""
    for name in (*FILES, SIGNATURE):
        outside = (version / name).rename(tmp_path / "outside")
        (version / name).symlink_to(outside)
        reason, message = refused(version, key)
        assert (reason, repr(name) in message) == (Reason.NO_REGULAR_FILE, True)
        (version / name).unlink()
        outside.rename(version / name)
    verified(version, key)


def test_a_link_that_comes_after_the_files_were_listed(version: Path, tmp_path: Path) -> None:
    with open_version(version) as files:
        assert "fingerprint.pb" in files.names()
        outside = (version / "fingerprint.pb").rename(tmp_path / "outside")
        (version / "fingerprint.pb").symlink_to(outside)
        with pytest.raises(RefusedVersionError, match=r"'fingerprint\.pb' is a symbolic link"):
            files.digest("fingerprint.pb")


def test_a_folder_that_is_a_link(version: Path, key: Key, tmp_path: Path) -> None:
    outside = (version / "variables").rename(tmp_path / "outside")
    (version / "variables").symlink_to(outside)
    assert refused(version, key)[0] == Reason.NO_REGULAR_FILE
    (version / "variables").unlink()
    outside.rename(version / "variables")
    (version / "assets.extra").rename(outside)
    (version / "assets.extra").symlink_to(outside)
    assert refused(version, key)[0] == Reason.NO_REGULAR_FILE


def test_a_version_that_is_a_link(version: Path, key: Key, tmp_path: Path) -> None:
    outside = version.rename(tmp_path / "outside")
    version.symlink_to(outside)
    assert refused(version, key)[0] == Reason.NO_REGULAR_FILE


@pytest.mark.parametrize("name", ["pipe", SIGNATURE, "saved_model.pb"])
def test_a_pipe_is_not_waited_for(version: Path, key: Key, name: str) -> None:
    (version / name).unlink(missing_ok=True)
    os.mkfifo(version / name)
    assert refused(version, key)[0] == Reason.NO_REGULAR_FILE


def test_a_socket(version: Path, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(version)  # a socket's name is short
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        assert refused(version, key)[0] == Reason.NO_REGULAR_FILE


def test_no_version_at_all(tmp_path: Path, key: Key) -> None:
    assert refused(tmp_path / "7", key)[0] == Reason.UNREADABLE


def test_something_else_that_the_key_signed(version: Path, key: Key) -> None:
    sealed = envelope.seal(b'{"format": 1, "version": 7}', key.id, key.signer.sign)
    (version / SIGNATURE).write_bytes(sealed)
    assert refused(version, key)[0] == Reason.UNSIGNED
    record = envelope_of(key.sign(version))
    payload = base64.b64decode(record["payload"])
    record["signatures"][0]["sig"] = base64.b64encode(key.signer.sign(payload)).decode()  # without its type
    write_envelope(version, record)
    assert refused(version, key)[0] == Reason.BAD_SIGNATURE


def test_a_manifest_has_one_spelling(version: Path, key: Key) -> None:
    manifest = verified(version, key).manifest
    assert Manifest.decode(manifest.encode()) == manifest
    with pytest.raises(ValueError, match="in its canonical encoding"):
        Manifest.decode(manifest.encode() + b" ")
    with pytest.raises(ValueError, match="expected the fields of a manifest"):
        Manifest.decode(manifest.encode().replace(b'"run_id"', b'"ran"'))


def test_a_copy_holds_what_was_verified_and_nothing_else(version: Path, key: Key, tmp_path: Path) -> None:
    (version / "empty").mkdir()
    copy = tmp_path / "copy"
    verified(version, key, copy_to=copy)
    (version / "saved_model.pb").write_bytes(b"another program")
    assert {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()} == {*FILES, SIGNATURE}
    assert not (copy / "empty").exists()
    assert {name: (copy / name).read_text() for name in TEXTS} == TEXTS
    verified(copy, key)


def test_nothing_unsigned_is_copied(version: Path, key: Key, tmp_path: Path) -> None:
    """Whoever can write the folder must not fill the disk of the verifier."""
    with (version / "variables/variables.index").open("ab") as file:
        file.truncate(2**30)
    (version / "more").touch()
    with pytest.raises(RefusedVersionError):
        verified(version, key, copy_to=tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    (version / "more").unlink()
    with pytest.raises(RefusedVersionError, match="expected at most 5 bytes, received more"):
        verified(version, key, copy_to=tmp_path / "copy")
    assert sum(path.stat().st_size for path in (tmp_path / "copy").rglob("*") if path.is_file()) < 2**20


def test_a_full_disk_is_no_fault_of_the_version(version: Path, key: Key, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(CopyError, match="File too large"):
            verified(version, key, copy_to=tmp_path / "copy")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    verified(version, key)
