"""Render the manifests of an overlay (`make deploy-render`), with images named by digest if asked to.

    python -m environment.manifests production --images 'registry/taxi-gateway@sha256:… registry/serving@sha256:…'

A tag can be moved, a digest cannot. So every overlay except `staging` is printed only if every image has a digest. An
image in --images replaces the image whose name has the same last part: registry/serving replaces tensorflow/serving.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Iterator

import yaml

ROOT = Path(__file__).resolve().parents[1]
_OVERLAYS = ROOT / "serving" / "deploy" / "kubernetes" / "overlays"
_FLINK = ROOT / "pipelines" / "deploy" / "kubernetes" / "flink"
_IMAGE_FIELDS = _FLINK / "image-fields.yaml"
_TAGS_ALLOWED = ("staging",)
_DIGEST = re.compile(r"(?P<name>[^@\s]+)@(?P<digest>sha256:[0-9a-f]{64})")


class ManifestError(Exception):
    """An overlay cannot be rendered as requested."""


def overlays() -> dict[str, Path]:
    """Return the folder of every overlay, by name."""
    found = {path.parent.name: path.parent for path in sorted(_OVERLAYS.glob("*/kustomization.yaml"))}
    return {**found, "flink": _FLINK}


def render(overlay: str, images: list[str]) -> str:
    """Return the manifests as kustomize prints them.

    Args:
        overlay: its name.
        images: NAME@sha256:…, each in place of the overlay's image with the same last part of the name.

    Returns:
        YAML.

    Raises:
        ManifestError: There is no such overlay, an image in `images` has no digest or replaces none of the overlay's,
            an image of an overlay other than staging has no digest, or kustomize fails.
    """
    known = overlays()
    if overlay not in known:
        raise ManifestError(f"no overlay {overlay}: expected one of {', '.join(sorted(known))}. Correct OVERLAY.")
    text = _kustomize(known[overlay])
    if images:
        text = _with_digests(known[overlay], _replacements(images, images_of(text)))
    tagged = sorted(image for image in images_of(text) if not _DIGEST.fullmatch(image))
    if tagged and overlay not in _TAGS_ALLOWED:
        raise ManifestError(
            f"{overlay} names images by tag, which can be moved. Expected: a digest for each. Received: "
            f"{', '.join(tagged)}. Add IMAGES='NAME@sha256:… …' (docs/how-to/images.md says how to find a digest)."
        )
    return text


def images_of(manifests: str) -> set[str]:
    """Return every image that the manifests name."""
    return {image for document in yaml.safe_load_all(manifests) for image in _images(document)}


def _images(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        image = value.get("image")
        if isinstance(image, str):
            yield image
        for each in value.values():
            yield from _images(each)
    elif isinstance(value, list):
        for each in value:
            yield from _images(each)


def _name(image: str) -> str:
    """Return an image's name without tag and digest; the port of a registry stays."""
    return re.sub(r":[^/:]+$", "", image.partition("@")[0])


def _replacements(images: list[str], present: set[str]) -> list[dict[str, str]]:
    """Return the replacements in kustomize's `images` form."""
    by_last_part = {_name(image).rpartition("/")[2]: _name(image) for image in present}
    entries = []
    for image in images:
        match = _DIGEST.fullmatch(image)
        if not match:
            raise ManifestError(
                f"an image without a digest. Expected: NAME@sha256: and 64 hexadecimal digits. Received: {image}. "
                "Correct IMAGES."
            )
        new = _name(match["name"])
        if new.rpartition("/")[2] not in by_last_part:
            raise ManifestError(
                f"an image that replaces none of the overlay's. Expected: one whose name ends in "
                f"{' or '.join(sorted(by_last_part))}. Received: {image}. Correct IMAGES."
            )
        entries.append({"name": by_last_part[new.rpartition("/")[2]], "newName": new, "digest": match["digest"]})
    return entries


def _with_digests(folder: Path, entries: list[dict[str, str]]) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        top = Path(scratch).resolve()
        shutil.copyfile(_IMAGE_FIELDS, top / _IMAGE_FIELDS.name)
        # kustomize takes a folder elsewhere by a relative path only.
        above = Path(*[".."] * (len(top.parts) - 1))
        document = {
            "resources": [str(above / folder.resolve().relative_to(top.anchor))],
            "images": entries,
            "configurations": [_IMAGE_FIELDS.name],
        }
        (top / "kustomization.yaml").write_text(yaml.safe_dump(document))
        return _kustomize(top)


def _kustomize(folder: Path) -> str:
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ManifestError(f"kustomize cannot render {folder}: {done.stderr.strip()}")
    return done.stdout


def main(arguments: list[str] | None = None) -> int:
    """Print the manifests; return 0, or 2 if they cannot be rendered."""
    parser = argparse.ArgumentParser(prog="python -m environment.manifests", description="An overlay's manifests.")
    parser.add_argument("overlay", help=f"one of {', '.join(overlays())}")
    parser.add_argument("--images", default="", help="NAME@sha256:… of each image, with spaces between")
    options = parser.parse_args(arguments)
    try:
        sys.stdout.write(render(options.overlay, options.images.split()))
    except ManifestError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
