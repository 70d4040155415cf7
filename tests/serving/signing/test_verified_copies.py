"""What TensorFlow Serving gets to see: copies of what a trusted key signed, whole, and nothing else."""

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.signing.errors import ModelsError, RefusedVersionError, SigningError
from serving.signing.verification import verify
from serving.signing.verified_copies import VerifiedCopies
from tests.serving.signing.signed_models import TEXTS, Key, write


class Site:
    """A folder that versions are pushed to, and one that a server reads."""

    def __init__(self, folder: Path, key: Key) -> None:
        self.key, self.source, self.target, self.keys = key, folder / "pushed", folder / "served", folder / "keys"
        self.source.mkdir()
        self.refusals: list[tuple[str, str]] = []
        key.write_public(self.keys / "first.pem")
        self.copies = self.started()

    def started(self) -> VerifiedCopies:
        return VerifiedCopies(
            source=self.source,
            target=self.target,
            keys=self.keys,
            on_refused=lambda model, reason: self.refusals.append((model, reason)),
        )

    def push(self, number: int, key: Key | None = None, model: str = "taxi", **changed: str) -> Path:
        return (key or self.key).sign(write(self.source / model / str(number), **changed), model)

    def served(self) -> list[str]:
        return sorted(str(path.relative_to(self.target)) for path in self.target.glob("*/*"))


@pytest.fixture
def site(tmp_path: Path, key: Key) -> Site:
    return Site(tmp_path, key)


def test_signed_versions_are_copied_and_others_are_not(site: Site) -> None:
    site.push(1)
    site.push(2, model="churn")
    write(site.source / "taxi" / "3")  # unsigned
    site.push(4, Key())
    (site.push(5) / "fingerprint.pb").write_text("altered")
    shutil.copytree(site.source / "taxi" / "1", site.source / "taxi" / "6")
    (site.source / "taxi" / "7").symlink_to(site.source / "taxi" / "1")
    write(site.source / "taxi" / "8.tmp")
    (site.source / "models.config").write_text("")
    assert site.copies.look() is False
    assert site.served() == ["churn/2", "taxi/1"]
    assert {name: (site.target / "taxi" / "1" / name).read_text() for name in TEXTS} == TEXTS
    assert sorted(site.refusals) == [
        ("taxi", "altered_file"),
        ("taxi", "no_regular_file"),
        ("taxi", "other_version"),
        ("taxi", "unknown_key"),
        ("taxi", "unsigned"),
    ]
    assert site.copies.look() is False
    assert len(site.refusals) == 5, "counted once, not at each look"


def test_a_refused_version_that_is_mended(site: Site) -> None:
    version = write(site.source / "taxi" / "1")
    assert site.copies.look() is False
    site.key.sign(version)
    assert site.copies.look() is True
    assert site.served() == ["taxi/1"]


def test_a_copy_is_what_was_verified(site: Site) -> None:
    version = site.push(1)
    site.copies.look()
    (version / "saved_model.pb").write_text("another program")
    assert site.copies.look() is True
    verify(site.target / "taxi" / "1", model="taxi", number=1, keys=site.key.trusted)


def test_nobody_sees_half_of_a_copy_or_unverified_bytes(site: Site) -> None:
    """While somebody swaps the graph again and again, every version that a server could see holds the signed bytes."""
    stop = threading.Event()
    versions = [site.push(number) for number in range(40)]
    signed = (versions[0] / "saved_model.pb").read_bytes()

    def swap() -> Iterator[None]:
        for version in versions:
            other = version / "saved_model.pb"
            beside = version.with_name("swapped")
            beside.write_bytes(b"another program" + signed[15:])
            os.replace(beside, other)
            yield
            beside.write_bytes(signed)
            os.replace(beside, other)
            yield

    def attack() -> None:
        while not stop.is_set():
            for _ in swap():
                pass

    attacker = threading.Thread(target=attack)
    attacker.start()
    try:
        for _ in range(5):
            site.copies.look()
            for graph in site.target.glob("taxi/[0-9]*[0-9]/saved_model.pb"):
                assert graph.read_bytes() == signed
    finally:
        stop.set()
        attacker.join()


def test_versions_that_are_gone(site: Site) -> None:
    first, second = site.push(1), site.push(2)
    site.copies.look()
    shutil.rmtree(first)
    site.copies.look()
    assert site.served() == ["taxi/2"]
    away = second.parent.rename(site.source / ".away")
    (site.source / "taxi").mkdir()
    site.copies.look()
    assert site.served() == ["taxi/2"], "a folder that is away for a moment takes no model down"
    (site.source / "taxi").rmdir()
    site.copies.look()
    assert site.served() == ["taxi/2"]
    away.rename(site.source / "taxi")
    site.push(3)
    shutil.rmtree(second)
    site.copies.look()
    assert site.served() == ["taxi/3"]


def test_rotation(site: Site) -> None:
    """A new key is trusted beside the old one; when the old one goes, so do the versions that it signed."""
    site.push(1)
    site.copies.look()
    second = Key()
    version = site.push(2, second)
    assert site.copies.look() is False
    second.write_public(site.keys / "second.pem")
    assert site.copies.look() is True
    assert site.served() == ["taxi/1", "taxi/2"]
    (site.keys / "first.pem").unlink()
    site.copies.look()
    assert site.served() == ["taxi/2"]
    assert version.exists()
    (site.keys / "second.pem").unlink()
    with pytest.raises(SigningError, match="at least one public key"):
        site.copies.look()
    assert site.served() == ["taxi/2"], "keys that cannot be read revoke nothing"


def test_what_an_earlier_process_left(site: Site) -> None:
    site.push(1)
    site.push(2)
    site.copies.look()
    (site.target / "taxi" / "1" / "fingerprint.pb").write_text("altered")
    write(site.target / "taxi" / "3.copy")
    write(site.target / "taxi" / "4.going")
    site.started().look()
    assert site.served() == ["taxi/1", "taxi/2"]
    verify(site.target / "taxi" / "1", model="taxi", number=1, keys=site.key.trusted)


def test_no_room_for_a_copy_is_no_refusal(site: Site) -> None:
    site.push(1)
    site.target.mkdir()
    (site.target / "taxi").write_text("a file")
    for _ in range(2):
        with pytest.raises(OSError, match=r"exists|Not a directory"):
            site.copies.look()
    (site.target / "taxi").unlink()
    assert site.copies.look() is True
    assert site.refusals == []


def test_a_model_that_cannot_be_followed_keeps_no_other_from_being_served(site: Site) -> None:
    site.push(1, model="churn")
    site.push(1)
    site.target.mkdir()
    (site.target / "churn").write_text("a file")
    with pytest.raises(ModelsError, match=r"^churn: "):
        site.copies.look()
    assert site.served() == ["taxi/1"]


def test_a_name_that_has_no_place_in_a_log(site: Site) -> None:
    site.push(1)
    for name in ("\udcff", "taxi\nINFO all is well"):
        write(site.source / name / "1")
    assert site.copies.look() is True
    assert (site.served(), site.refusals) == (["taxi/1"], [])


def test_a_version_that_cannot_be_read_is_tried_again_and_told_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.push(1)
    read = os.read

    def away(*arguments: int) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "read", away)
    assert site.copies.look() is site.copies.look() is False
    assert site.refusals == [("taxi", "unreadable")]
    monkeypatch.setattr(os, "read", read)
    assert site.copies.look() is True
    assert site.served() == ["taxi/1"]


def test_a_write_that_fails_leaves_no_version(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.push(1)

    def full(*paths: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", full)
        with pytest.raises(OSError, match="No space left"):
            site.copies.look()
    assert not (site.target / "taxi" / "1").exists()
    assert site.copies.look() is True
    with pytest.raises(RefusedVersionError):
        verify(site.target / "taxi" / "1.copy", model="taxi", number=1, keys=site.key.trusted)
