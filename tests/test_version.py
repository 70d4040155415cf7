"""The version is stated once, in pyproject.toml; every other file that has to repeat it agrees."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
# Each pattern captures a version; the tag of TensorFlow Serving's image is another project's.
PATTERNS = {
    "CHANGELOG.md": r"^## (\d\S*) – ",
    "CITATION.cff": r"^version: (\S+)",
    "docs/how-to/deploy.md": r"taxi-gateway:([\d.]+\d)",
    "docs/how-to/images.md": r"taxi-(?:gateway|pipeline):([\d.]+\d)",
    "pipelines/deploy/flink.Dockerfile": r"(?:ARG VERSION=|taxi-flink:)([\d.]+\d)",
    "pipelines/deploy/kubernetes/flink/kustomization.yaml": r"newTag: (\S+)",
    "pipelines/deploy/pipeline.Dockerfile": r"(?:ARG VERSION=|taxi-pipeline:)([\d.]+\d)",
    "serving/client/typescript/package.json": r'^  "version": "([^"]+)"',
    "serving/deploy/compose.yaml": r"taxi-gateway:([\d.]+\d)",
    "serving/deploy/gateway.Dockerfile": r"(?:ARG VERSION=|taxi-gateway:)([\d.]+\d)",
    "serving/deploy/kubernetes/overlays/production/kustomization.yaml": r"taxi-gateway\n.*\n?\s+newTag: (\S+)",
    "serving/deploy/kubernetes/overlays/staging/kustomization.yaml": r"taxi-gateway\n.*\n?\s+newTag: (\S+)",
    "uv.lock": r'name = "tfx-reference-pipeline"\nversion = "([^"]+)"',
}


@pytest.mark.parametrize("file", PATTERNS)
def test_every_file_names_the_version_of_pyproject(file: str) -> None:
    found = re.findall(PATTERNS[file], (ROOT / file).read_text(), re.MULTILINE)
    # The changelog lists the newest release first.
    assert set(found[:1] if file == "CHANGELOG.md" else found) == {VERSION}
