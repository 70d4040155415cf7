"""The bill of materials of an image."""

import json
import platform
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from environment import sbom, uv

ROOT = Path(__file__).resolve().parents[2]
LOCKED = {
    "bomFormat": "CycloneDX",
    "metadata": {"component": {"bom-ref": "project-1@0.1.0", "name": "project", "version": "0.1.0"}},
    "components": [
        {"bom-ref": "tensorflow-2@2.16.2", "name": "tensorflow", "version": "2.16.2"},
        {"bom-ref": "tensorflow-3@2.21.0", "name": "tensorflow", "version": "2.21.0"},
        {"bom-ref": "typing-extensions-4@4.1", "name": "typing-extensions", "version": "4.1"},
        {"bom-ref": "pytest-5@9.0", "name": "pytest", "version": "9.0"},
    ],
    "dependencies": [
        {"ref": "project-1@0.1.0", "dependsOn": ["tensorflow-2@2.16.2", "tensorflow-3@2.21.0", "pytest-5@9.0"]},
        {"ref": "tensorflow-2@2.16.2", "dependsOn": ["typing-extensions-4@4.1"]},
        {"ref": "tensorflow-3@2.21.0", "dependsOn": ["typing-extensions-4@4.1"]},
        {"ref": "pytest-5@9.0"},
    ],
}


def test_of_the_lock_what_is_installed_is_kept() -> None:
    installed = [("TensorFlow", "2.21.0"), ("typing_extensions", "4.1"), ("project", "0.1.0")]
    document = sbom.describe(LOCKED, installed, [("libstdc++6", "1:14.2+deb")])
    found = {(each["name"], each["version"]) for each in document["components"]}
    assert found == {
        ("tensorflow", "2.21.0"), ("typing-extensions", "4.1"), ("cpython", platform.python_version()),
        ("libstdc++6", "1:14.2+deb"),
    }  # fmt: skip
    assert document["components"][-1]["purl"] == "pkg:deb/debian/libstdc%2B%2B6@1%3A14.2%2Bdeb"
    assert document["dependencies"] == [
        {"ref": "project-1@0.1.0", "dependsOn": ["tensorflow-3@2.21.0"]},
        {"ref": "tensorflow-3@2.21.0", "dependsOn": ["typing-extensions-4@4.1"]},
    ]


@pytest.mark.parametrize("strange", [("tensorflow", "2.20.0"), ("left-pad", "1.0")])
def test_what_the_lock_has_not_is_refused(strange: tuple[str, str]) -> None:
    with pytest.raises(sbom.SbomError) as raised:
        sbom.describe(LOCKED, [("pytest", "9.0"), strange], [])
    assert str(raised.value) == (
        "1 installed packages are not in the lock. Expected: every one, in the version of uv.lock. Received: "
        f"{' '.join(strange)}. Install with `uv sync --locked`, and export the same groups and extras."
    )


@pytest.mark.slow
def test_it_describes_this_very_environment(tmp_path: Path) -> None:
    """As the Dockerfiles call it, with all groups, since those are installed here."""
    locked, debian, out = (tmp_path / name for name in ("locked.json", "debian.txt", "out.json"))
    export = ("export", "--quiet", "--locked", "--preview-features", "sbom-export", "--format", "cyclonedx1.5")
    command = [uv.find() or uv.fetch(), *export, "--all-groups", "--output-file", str(locked)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    debian.write_text("base-files 13.8\n")
    script = [sys.executable, "environment/sbom.py"]
    options = ["--locked", str(locked), "--debian", str(debian), "--out", str(out)]
    done = subprocess.run([*script, *options], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    components = {each["name"]: each for each in json.loads(out.read_text())["components"]}
    locks = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    versions = {each["version"] for each in locks if each["name"] == "tensorflow"}
    assert len(versions) == 2
    assert components["tensorflow"]["version"] in versions
    assert components["tensorflow"]["purl"] == f"pkg:pypi/tensorflow@{components['tensorflow']['version']}"
    (wheel, *_) = components["tensorflow"]["externalReferences"]
    assert [each["alg"] for each in wheel["hashes"]] == ["SHA-256"]
    assert components["base-files"]["version"] == "13.8"
