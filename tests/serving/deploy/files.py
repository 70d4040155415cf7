"""The files of serving/deploy/, read the way that their tools read them."""

import functools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "serving" / "deploy"
MODEL_SERVER = DEPLOY / "model_server"
OVERLAYS = ("staging", "production")
DIGEST = "sha256:" + 64 * "0"  # made up

Document = dict[str, Any]


@functools.cache
def rendered(overlay: str) -> str:
    """What `make deploy-render` prints."""
    kubectl = Path(sys.executable).with_name("kubectl")
    folder = DEPLOY / "kubernetes" / "overlays" / overlay
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def manifests(overlay: str) -> list[Document]:
    return list(yaml.safe_load_all(rendered(overlay)))


def of_kind(overlay: str, kind: str) -> dict[str, Document]:
    """Name -> manifest."""
    return {each["metadata"]["name"]: each for each in manifests(overlay) if each["kind"] == kind}


def pod(overlay: str, deployment: str) -> Document:
    return dict(of_kind(overlay, "Deployment")[deployment]["spec"]["template"]["spec"])


def container(overlay: str, deployment: str) -> Document:
    (only,) = pod(overlay, deployment)["containers"]
    return dict(only)


def compose() -> Document:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text()))


def service(name: str) -> Document:
    return with_default_image(compose()["services"][name])


def with_default_image(service: Document) -> Document:
    """A service of a compose file, where no variable names its image."""
    return {**service, "image": re.sub(r"^\$\{\w+_IMAGE:-([^}]+)\}$", r"\1", service["image"])}


def prometheus() -> Document:
    return dict(yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text()))


def dashboard() -> Document:
    return dict(json.loads((DEPLOY / "grafana" / "dashboards" / "serving.json").read_text()))


def flags(arguments: list[str]) -> dict[str, str]:
    """Name -> value of `--name=value`."""
    found = {}
    for argument in arguments:
        match = re.fullmatch(r"--(\w+)=(.+)", argument)
        assert match, f"expected --name=value, received {argument}"
        assert match[1] not in found, f"--{match[1]} twice"
        found[match[1]] = match[2]
    return found


def settings(entries: list[Document]) -> dict[str, str]:
    """Name -> value of a container's variables."""
    return {entry["name"]: entry["value"] for entry in entries}
