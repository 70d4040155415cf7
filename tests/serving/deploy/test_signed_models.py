"""TensorFlow Serving, which verifies nothing, sees copies of signed versions alone, in compose and in Kubernetes."""

from pathlib import Path
from typing import Any

import pytest

from serving.cli import signing
from serving.cli.app import app
from serving.cli.usage import execute
from tests.serving.deploy import files
from tests.serving.deploy.files import OVERLAYS, Document

pytestmark = pytest.mark.slow

Mounts = dict[str, tuple[str, bool]]  # place -> what is mounted there, and whether it can be written


def of_compose(name: str) -> tuple[list[str], Mounts]:
    service = files.service(name)
    split = [volume.removesuffix(":ro").rpartition(":") for volume in service["volumes"]]
    writable = [not volume.endswith(":ro") for volume in service["volumes"]]
    mounts = {place: (what, may) for (what, _, place), may in zip(split, writable, strict=True)}
    return service["command"], mounts


def of_kubernetes(overlay: str, name: str) -> tuple[list[str], Mounts]:
    pod = files.pod(overlay, "model-server")
    (found,) = [each for each in pod["initContainers"] + pod["containers"] if each["name"] == name]
    mounts = {each["mountPath"]: (each["name"], not each.get("readOnly")) for each in found["volumeMounts"]}
    return found["args"], mounts


def places(where: str, name: str) -> tuple[list[str], Mounts]:
    return of_compose(name) if where == "compose" else of_kubernetes(where, name)


@pytest.mark.parametrize("where", ["compose", *OVERLAYS])
def test_the_server_reads_what_was_verified_and_cannot_see_the_rest(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    arguments, verifiers = places(where, "verify")
    monkeypatch.setattr("serving.signing.copying.run", lambda *paths, **rest: given.update(paths=paths, **rest) or 0)
    assert execute(app, ["verify", *arguments]) == 0, "the command takes them"
    source, target, keys = map(str, given["paths"])
    assert given["every"] <= 5
    assert verifiers[target][1] is True
    assert (verifiers[source][1], verifiers[keys][1]) == (False, False)
    _, servers = places(where, "model-server")
    assert servers["/models"] == (verifiers[target][0], False)
    assert verifiers[source][0] not in {what for what, _ in servers.values()}


def test_nobody_else_can_write_the_copies() -> None:
    users = {name for name in files.compose()["services"] if "verified" in str(files.service(name)["volumes"])}
    assert users == {"verify", "model-server"}
    assert files.service("model-server")["depends_on"] == {"verify": {"condition": "service_healthy"}}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_sidecar_starts_before_the_server_and_stays(overlay: str) -> None:
    (sidecar,) = files.pod(overlay, "model-server")["initContainers"]
    assert sidecar["restartPolicy"] == "Always"
    assert sidecar["image"] == files.container(overlay, "gateway")["image"]
    (port,) = sidecar["ports"]
    assert f"--metrics-port={port['containerPort']}" in sidecar["args"]
    assert all(sidecar[probe]["httpGet"]["port"] == port["name"] for probe in ("startupProbe", "livenessProbe"))


def test_prometheus_asks_for_refusals() -> None:
    (scrape,) = [each for each in files.prometheus()["scrape_configs"] if each["job_name"] == "verify"]
    assert scrape["static_configs"][0]["targets"] == ["verify:9101"]
    assert "--metrics-port=9101" in files.service("verify")["command"]
    assert set(files.service("verify")["networks"]) & set(files.service("prometheus")["networks"])


def test_the_roll_out_verifies_too() -> None:
    service: Document = files.service("rollout")
    assert "--verify-keys=/keys" in service["entrypoint"]
    keys = [volume for volume in service["volumes"] if volume.endswith(":/keys:ro")]
    assert keys == [volume for volume in files.service("verify")["volumes"] if volume.endswith(":/keys:ro")]
    default = keys[0].partition(":-")[2].partition("}")[0]
    public = Path("var/keys/trusted/signing.pem")
    assert (files.DEPLOY / default).resolve() == (files.ROOT / public).parent.resolve()
    assert signing.keygen.__defaults__ is not None
    assert public in signing.keygen.__defaults__
