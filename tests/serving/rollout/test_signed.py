"""Versions that no trusted key signed, or that were altered, are neither tried nor promoted, pinned or gone back to."""

from pathlib import Path

import pytest

from serving.signing.verification import SIGNATURE
from tests.serving.rollout.conftest import MODEL, Site
from tests.serving.signing.signed_models import Key

pytestmark = pytest.mark.pipeline


@pytest.fixture
def key(site: Site, tmp_path: Path) -> Key:
    """Is trusted, and signed version 1, which answers."""
    made = Key()
    site.options += ["--verify-keys", str(made.write_public(tmp_path / "keys" / "key.pem").parent)]
    made.sign(folder(site, 1), MODEL)
    return made


def folder(site: Site, version: int) -> Path:
    return site.folder / MODEL / str(version)


def refused(site: Site, *command: str) -> str:
    """What a refused command said. It has changed nothing."""
    before = site.seen(), site.config.read_text(), site.percent()
    code, said = site.run(*command)
    assert code == 2, said
    assert said.startswith("refused: ")
    assert (site.seen(), site.config.read_text(), site.percent()) == before
    return said


def test_only_signed_versions_are_rolled_out(site: Site, key: Key) -> None:
    site.ok("pin")
    site.push(2, "similar")
    assert "version 2 of taxi must not be loaded: it has no signature" in refused(
        site, "canary", "2", "--percent", "10"
    )
    key.signs(MODEL).sign(folder(site, 2), 3, into=folder(site, 2))
    assert "it is signed as version 3 of taxi" in refused(site, "canary", "2", "--percent", "10")
    Key().sign(folder(site, 2), MODEL)
    assert "expected one of the keys" in refused(site, "canary", "2", "--percent", "10")
    said = site.ok("status")
    assert "refused   version 2 of taxi must not be loaded: it is signed by" in said
    assert "signed    1 of 2 versions, by " in said

    key.sign(folder(site, 2), MODEL)
    site.ok("canary", "2", "--percent", "10")
    contract = folder(site, 2) / "assets.extra" / "schema.pbtxt"
    text = contract.read_text()
    contract.write_text(text + "# more")
    assert "'assets.extra/schema.pbtxt' was altered" in refused(site, "promote")
    contract.write_text(text)
    site.ok("promote")

    signature = (folder(site, 1) / SIGNATURE).rename(site.folder / "signature")
    assert "version 1 of taxi must not be loaded: it has no signature" in refused(site, "rollback")
    signature.rename(folder(site, 1) / SIGNATURE)
    assert "done      stable 1" in site.ok("rollback")


def test_a_trial_ends_whatever_became_of_the_signatures(site: Site, key: Key) -> None:
    """The stable version answers already: nothing is gained by leaving requests with the canary."""
    site.ok("pin")
    site.push(2, "similar")
    key.sign(folder(site, 2), MODEL)
    site.ok("canary", "2", "--percent", "10")
    for version in (1, 2):
        (folder(site, version) / SIGNATURE).unlink()
    assert "done      stable 1" in site.ok("rollback")
    assert site.percent() == 0


def test_what_answers_is_not_pinned_without_a_signature(site: Site, key: Key) -> None:
    (folder(site, 1) / SIGNATURE).unlink()
    assert "version 1 of taxi must not be loaded: it has no signature" in refused(site, "pin")
    (site.folder / "keys" / "key.pem").unlink()
    assert "--verify-keys: " in refused(site, "pin")
    del site.options[-2:]
    site.ok("pin")
