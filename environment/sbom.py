"""Write the bill of materials of an image (SBOM, CycloneDX 1.5): its packages, with the checksums of the lock.

A step of both Dockerfiles, run by the Python of the environment that it describes:

    python sbom.py --locked LOCKED --debian PACKAGES --out FILE

LOCKED is what `uv export --format cyclonedx1.5` writes. It lists the packages of every platform and of both stacks;
the SBOM keeps those that are installed. PACKAGES has a Debian package and its version on each line.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, Iterable
from urllib.parse import quote

Document = dict  # of JSON


class SbomError(Exception):
    """The installed packages are not those of the lock."""


def describe(locked: Document, installed: Iterable[tuple[str, str]], debian: Iterable[tuple[str, str]]) -> Document:
    """Return the SBOM of an environment.

    Args:
        locked: the lock as a CycloneDX document.
        installed: name and version of each Python package of the environment.
        debian: name and version of each package of the operating system.

    Returns:
        A CycloneDX document.

    Raises:
        SbomError: An installed package, or its version, is not in the lock.
    """
    known = {(_normal(each["name"]), each["version"]): each for each in locked["components"]}
    project = locked["metadata"]["component"]  # the document is about it, whether it is installed or not
    wanted = {(_normal(name), version) for name, version in installed} - {(project["name"], project["version"])}
    strange = sorted(f"{name} {version}" for name, version in wanted - set(known))
    if strange:
        raise SbomError(
            f"{len(strange)} installed packages are not in the lock. Expected: every one, in the version of uv.lock. "
            f"Received: {', '.join(strange)}. Install with `uv sync --locked`, and export the same groups and extras."
        )
    kept = [each for key, each in known.items() if key in wanted]
    names = {each["bom-ref"] for each in kept} | {project["bom-ref"]}
    return {
        **locked,
        "components": [*kept, _python(), *(_debian_package(name, version) for name, version in debian)],
        "dependencies": [
            {**each, "dependsOn": [name for name in each.get("dependsOn", []) if name in names]}
            for each in locked.get("dependencies", [])
            if each["ref"] in names
        ],
    }


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()  # https://packaging.python.org/specifications/name-normalization


def _python() -> Document:
    version = platform.python_version()
    return {
        "type": "application",
        "bom-ref": f"cpython@{version}",
        "name": "cpython",
        "version": version,
        "purl": f"pkg:generic/cpython@{version}",
    }


def _debian_package(name: str, version: str) -> Document:
    purl = f"pkg:deb/debian/{quote(name, safe='')}@{quote(version, safe='')}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _installed() -> Iterable[tuple[str, str]]:
    return [(each.metadata["Name"], each.version) for each in metadata.distributions()]


def main(arguments: list[str] | None = None) -> int:
    """Write the SBOM; return 0, or 1 if the environment is not that of the lock."""
    parser = argparse.ArgumentParser(prog="sbom.py", description="The SBOM of the environment that runs this.")
    parser.add_argument("--locked", type=Path, required=True, help="what `uv export --format cyclonedx1.5` wrote")
    parser.add_argument("--debian", type=Path, required=True, help="lines of NAME VERSION")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    options = parser.parse_args(arguments)
    locked: Any = json.loads(options.locked.read_text())
    debian = [
        (name, version)
        for name, _, version in (line.partition(" ") for line in options.debian.read_text().splitlines())
    ]
    try:
        document = describe(locked, _installed(), debian)
    except SbomError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    options.out.write_text(json.dumps(document, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
