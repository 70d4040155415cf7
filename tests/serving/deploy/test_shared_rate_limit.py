"""The component that gives all gateways of a cluster one rate limit."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from serving.gateway import settings as gateway_settings
from serving.gateway.redis_settings import PASSWORD_FILE_VARIABLE, read_password
from tests.serving.deploy import files
from tests.serving.deploy.files import DEPLOY, OVERLAYS, ROOT, Document
from tests.serving.deploy.test_kubernetes import looseness
from tests.serving.gateway.redis_server import RedisServer

NAME = "shared-rate-limit"


def with_component(overlay: str, folder: Path, names: Sequence[str] = (NAME,)) -> dict[tuple[str, str], Document]:
    """(kind, name) -> manifest of an overlay that takes the components, in this order."""
    copied = folder / "deploy"
    shutil.copytree(DEPLOY, copied)
    path = copied / "kubernetes" / "overlays" / overlay
    document = yaml.safe_load((path / "kustomization.yaml").read_text())
    document["components"] = [f"../../components/{name}" for name in names]
    (path / "kustomization.yaml").write_text(yaml.safe_dump(document))
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run([kubectl, "kustomize", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(done.stdout)}


@pytest.mark.slow
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_gateways_find_it_and_nobody_else_does(overlay: str, tmp_path: Path) -> None:
    found = with_component(overlay, tmp_path)
    for manifest in found.values():
        kubernetes_validate.validate(manifest, "1.37", strict=True)
    redis = found["StatefulSet", "redis"]["spec"]["template"]
    assert looseness(redis["spec"]) == ["service account"]  # its own, which has no token either
    (port,) = redis["spec"]["containers"][0]["ports"]
    gateway = found["Deployment", "gateway"]["spec"]["template"]
    (container,) = gateway["spec"]["containers"]
    environ = files.settings(container["env"])
    taken = gateway_settings.load(ROOT / "serving" / "gateway" / "taxi.toml", environ).limits.redis
    assert taken is not None
    assert taken.url == f"redis://{found['Service', 'redis']['metadata']['name']}:{port['containerPort']}/0"
    (mounted,) = [each for each in container["volumeMounts"] if each["name"] == "redis"]
    assert environ[PASSWORD_FILE_VARIABLE] == f"{mounted['mountPath']}/password"
    secrets = {
        volume["secret"]["secretName"]
        for pod in (redis, gateway)
        for volume in pod["spec"]["volumes"]
        if volume["name"] == "redis"
    }
    assert secrets == {"redis"}
    assert not any(kind == "Secret" for kind, _ in found)
    (rule,) = found["NetworkPolicy", "redis"]["spec"]["ingress"]
    (caller,) = rule["from"]
    assert caller["podSelector"]["matchLabels"].items() <= gateway["metadata"]["labels"].items()
    way_out = found["NetworkPolicy", "gateway"]["spec"]["egress"][-1]
    assert way_out["to"][0]["podSelector"]["matchLabels"].items() <= redis["metadata"]["labels"].items()
    assert way_out["ports"][0]["port"] == port["containerPort"]


@pytest.mark.parametrize("names", [(NAME, "tls"), ("tls", NAME)])
def test_the_component_for_tls_takes_nothing_away(names: tuple[str, str], tmp_path: Path) -> None:
    found = with_component("production-tls", tmp_path, names)
    ways = found["NetworkPolicy", "gateway"]["spec"]["egress"]
    assert sorted(port["port"] for way in ways for port in way["ports"]) == [53, 53, 6379, 8443]
    (container,) = found["Deployment", "gateway"]["spec"]["template"]["spec"]["containers"]
    environ = files.settings(container["env"])
    taken = gateway_settings.load(ROOT / "serving" / "gateway" / "taxi.toml", environ)
    assert taken.limits.redis is not None
    assert taken.listen.tls is not None
    assert {PASSWORD_FILE_VARIABLE} < set(environ)
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert {"/run/secrets/redis", "/run/tls/gateway", "/run/tls/model"} < mounts


@pytest.mark.redis
@pytest.mark.slow
@pytest.mark.one_stack
def test_redis_starts_with_these_arguments_and_the_secret_of_the_page(tmp_path: Path) -> None:
    (script,) = [
        block
        for block in (ROOT / "docs" / "how-to" / "deploy.md").read_text().split("```")
        if "secret generic redis" in block
    ]
    literals = subprocess.run(
        ["bash", "-c", "kubectl() { printf '%s\\0' \"${@:4}\"; }\n" + script],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for literal in filter(None, literals):
        name, _, value = literal.removeprefix("--from-literal=").partition("=")
        (tmp_path / name).write_text(value)
    password = read_password({PASSWORD_FILE_VARIABLE: str(tmp_path / "password")})
    (container,) = with_component("staging", tmp_path)["StatefulSet", "redis"]["spec"]["template"]["spec"]["containers"]
    arguments = [part.replace("/run/secrets/redis", str(tmp_path)) for part in container["args"]]
    arguments[arguments.index("--port") + 1] = "0"  # a free place is the socket's
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder), arguments=arguments)
        server.start(password)
        with server.client(password) as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "volatile-ttl"}
            assert client.config_get("save") == {"save": ""}
        server.kill()
