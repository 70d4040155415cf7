"""The compose file: valid, hardened, and of one mind with the files that it mounts and with the manifests."""

import copy
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from serving.gateway import settings as gateway_settings
from tests.serving.deploy import files
from tests.serving.deploy.files import DEPLOY, OVERLAYS, ROOT, Document

pytestmark = pytest.mark.slow

SERVICES = ("verify", "model-server", "gateway", "rollout", "prometheus", "grafana")
MADE_BY_RUNS = ("../../var/serving", "../../var/keys/trusted")  # and by `python -m serving keygen`
LASTING = tuple(name for name in SERVICES if name != "rollout")


def check_schema(path: Path) -> "subprocess.CompletedProcess[str]":
    tool = Path(sys.executable).with_name("check-jsonschema")
    return subprocess.run(
        [tool, "--builtin-schema", "vendor.compose-spec", path], capture_output=True, text=True, check=False
    )


def test_the_file_meets_the_schema_of_compose() -> None:
    done = check_schema(DEPLOY / "compose.yaml")
    assert done.returncode == 0, done.stdout


def test_a_misspelt_key_is_noticed(tmp_path: Path) -> None:
    document = files.compose()
    document["services"]["gateway"]["read_onyl"] = True
    path = tmp_path / "compose.yaml"
    path.write_text(yaml.safe_dump(document))
    done = check_schema(path)
    assert done.returncode == 1
    assert "read_onyl" in done.stdout


def looseness(service: Document) -> list[str]:
    """What a container could do that none here has to."""
    demands = {
        "root": re.fullmatch(r"(\$\{\w+:-)?[1-9]\d*:[1-9]\d*\}?", service.get("user", "")),
        "writable root": service.get("read_only") is True,
        "capabilities": service.get("cap_drop") == ["ALL"] and "cap_add" not in service,
        "escalation": "no-new-privileges:true" in service.get("security_opt", []),
        "privileged": not service.get("privileged") and "docker.sock" not in str(service.get("volumes")),
        "host namespaces": not {"network_mode", "pid", "ipc"} & set(service),
        "memory": "mem_limit" in service,
        "processes": "pids_limit" in service,
        "image": re.search(r":v?\d+\.\d+\.\d+$", service["image"]),
        "published": all(str(port).startswith("127.0.0.1:") for port in service.get("ports", [])),
    }
    return [what for what, met in demands.items() if not met]


def test_services_are_hardened() -> None:
    assert set(files.compose()["services"]) == set(SERVICES)
    assert {name: looseness(files.service(name)) for name in SERVICES} == {name: [] for name in SERVICES}


@pytest.mark.parametrize(
    ("fault", "noticed"),
    [
        (lambda service: service.pop("user"), "root"),
        (lambda service: service.update(user="0:0"), "root"),
        (lambda service: service.pop("read_only"), "writable root"),
        (lambda service: service.update(cap_add=["NET_ADMIN"]), "capabilities"),
        (lambda service: service.update(image="grafana/grafana:latest"), "image"),
        (lambda service: service.update(image="grafana/grafana"), "image"),
        (lambda service: service.update(ports=["3000:3000"]), "published"),
        (lambda service: service.update(network_mode="host"), "host namespaces"),
        (lambda service: service["volumes"].append("/var/run/docker.sock:/var/run/docker.sock"), "privileged"),
    ],
)
def test_looseness_is_noticed(fault: Callable[[Document], Any], noticed: str) -> None:
    service = copy.deepcopy(files.service("grafana"))
    fault(service)
    assert looseness(service) == [noticed]


@pytest.mark.parametrize("file", ["compose.yaml", "compose.tls.yaml"])
def test_every_image_can_be_named_by_digest(file: str) -> None:
    """A tag can be moved, so a variable takes its place; what runs the same image has the same variable."""
    services = yaml.safe_load((DEPLOY / file).read_text())["services"]
    images = {service["image"] for service in services.values() if "image" in service}
    variables = [re.fullmatch(r"\$\{([A-Z]+_IMAGE):-[^:}]+:v?\d+\.\d+\.\d+\}", image) for image in images]
    assert all(variables), images
    assert len({found[1] for found in variables if found}) == len(images)


@pytest.mark.parametrize("name", LASTING)
def test_lasting_services_say_how_they_are(name: str) -> None:
    service = files.service(name)
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", SERVICES)
def test_mounted_files_are_there_and_mostly_read_only(name: str) -> None:
    """Compose makes an empty folder of a path that is not there. Docker lets nobody mount below a read-only mount."""
    for volume in files.service(name)["volumes"]:
        source, target, *mode = re.sub(r"\$\{\w+:-([^}]+)\}", r"\1", volume).split(":")
        if source in files.compose()["volumes"]:
            continue
        assert mode == ["ro"] or (name, target) == ("rollout", "/config"), volume
        assert (DEPLOY / source).is_dir() or source in MADE_BY_RUNS, f"{source}, as seen from {DEPLOY}"


def test_only_the_operator_can_reach_grpc() -> None:
    """Whoever reaches the model server's gRPC port can replace the model."""
    networks = files.compose()["networks"]
    assert "ports" not in files.service("model-server")
    for network in files.service("model-server")["networks"]:
        assert networks[network] == {"internal": True}
    beside = {name for name in SERVICES if "models" in files.service(name)["networks"]}
    assert beside == {"model-server", "gateway", "rollout"}


def test_the_model_server_is_started_as_in_kubernetes() -> None:
    service = files.service("model-server")
    compose = files.flags(service["command"])
    staging = files.flags(files.container("staging", "model-server")["args"])
    threads = {name for name in staging if name.endswith("_parallelism")}  # compose's server has the whole machine
    assert compose == {name: value for name, value in staging.items() if name not in threads}
    for overlay in OVERLAYS:
        container = files.container(overlay, "model-server")
        assert container["image"].partition("@")[0] == service["image"]
        assert container["command"] == service["entrypoint"]


def test_the_gateway_takes_its_variables() -> None:
    """Also that no variable is misspelt: the gateway refuses a setting that it does not know."""
    given = files.service("gateway")["environment"]
    variables = {name: value for name, value in given.items() if name != "GATEWAY_API_KEYS"}
    found = gateway_settings.load(ROOT / "serving" / "gateway" / "taxi.toml", variables)
    rest = files.flags(files.service("model-server")["command"])["rest_api_port"]
    assert found.model.server == f"http://model-server:{rest}"
    assert files.service("gateway")["ports"] == [f"127.0.0.1:8080:{found.listen.port}"]  # the operators' is not there
    (scrape,) = [each for each in files.prometheus()["scrape_configs"] if each["job_name"] == "gateway"]
    assert scrape["static_configs"][0]["targets"] == [f"gateway:{found.listen.operator_port}"]
    targets = {volume.split(":")[-1 - volume.endswith(":ro")] for volume in files.service("gateway")["volumes"]}
    assert found.traffic is not None
    assert str(found.traffic.parent) in targets
    assert found.request_log is not None
    assert str(found.request_log.folder.parent) in targets
    grace = int(files.service("gateway")["stop_grace_period"].removesuffix("s"))
    assert grace > found.listen.shutdown_seconds


def test_the_operator_may_read_the_request_log() -> None:
    """The gateway lets its user and group read it, and nobody else; the operator is another user."""
    _, group = files.service("gateway")["user"].split(":")
    assert group in files.service("rollout")["group_add"]
    assert {"request-log:/var/log/gateway", "request-log:/var/log/gateway:ro"} == {
        volume
        for name in ("gateway", "rollout")
        for volume in files.service(name)["volumes"]
        if volume.startswith("request-log:")
    }


def test_nothing_starts_without_api_keys() -> None:
    assert files.service("gateway")["environment"]["GATEWAY_API_KEYS"].startswith("${GATEWAY_API_KEYS:?")
