"""Manifests with digests; the overlays themselves are tested in tests/serving/deploy and tests/pipelines/deploy."""

from pathlib import Path

import pytest

from environment import manifests
from environment.manifests import ManifestError

DIGEST = "sha256:" + 64 * "a"
GATEWAY, SERVING = f"example.com:5000/mine/taxi-gateway@{DIGEST}", f"tensorflow/serving@{DIGEST}"


def test_every_overlay_but_staging_wants_digests() -> None:
    assert set(manifests.overlays()) == {"staging", "production", "production-tls", "flink"}
    for overlay in manifests.overlays():
        if overlay == "staging":
            assert "tensorflow/serving:2.21.0" in manifests.images_of(manifests.render(overlay, []))
            continue
        with pytest.raises(ManifestError, match=rf"^{overlay} names images by tag, .* Received: .*:\d.* Add IMAGES="):
            manifests.render(overlay, [])


def test_one_image_without_a_digest_is_named() -> None:
    with pytest.raises(ManifestError) as raised:
        manifests.render("production", [GATEWAY])
    assert "Expected: a digest for each. Received: tensorflow/serving:2.21.0. Add" in str(raised.value)


def test_images_take_the_place_of_those_of_the_same_name() -> None:
    assert manifests.images_of(manifests.render("production", [GATEWAY, SERVING])) == {GATEWAY, SERVING}
    # A tag beside the digest says nothing that the digest does not.
    both = manifests.render("staging", [f"example.com/taxi-gateway:1.0.0@{DIGEST}"])
    assert manifests.images_of(both) == {f"example.com/taxi-gateway@{DIGEST}", "tensorflow/serving:2.21.0"}


@pytest.mark.parametrize("image", ["taxi-gateway:1.0.0", "taxi-gateway", "taxi-gateway@sha256:abc", f"@{DIGEST}"])
def test_what_is_no_digest_is_refused(image: str) -> None:
    with pytest.raises(ManifestError) as raised:
        manifests.render("production", [image])
    assert str(raised.value) == (
        f"an image without a digest. Expected: NAME@sha256: and 64 hexadecimal digits. Received: {image}. "
        "Correct IMAGES."
    )


def test_an_image_of_another_overlay_is_refused() -> None:
    with pytest.raises(ManifestError) as raised:
        manifests.render("production", [f"taxi-flink@{DIGEST}"])
    assert str(raised.value) == (
        "an image that replaces none of the overlay's. Expected: one whose name ends in serving or taxi-gateway. "
        f"Received: taxi-flink@{DIGEST}. Correct IMAGES."
    )


def test_an_overlay_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert manifests.main(["prod"]) == 2
    assert capsys.readouterr() == (
        "",
        "error: no overlay prod: expected one of flink, production, production-tls, staging. Correct OVERLAY.\n",
    )


def test_kustomizes_own_words_are_passed_on(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [nothing.yaml]\n")
    with pytest.raises(ManifestError, match=r"^kustomize cannot render .*nothing\.yaml"):
        manifests._kustomize(tmp_path)
