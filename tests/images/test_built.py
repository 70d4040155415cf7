"""Both images, built and started: a run to a pushed model in one, answers from that model in the other.

`make test-images`: root, Debian's packages buildah and debootstrap, 25 GB free, 10 to 15 minutes. Not in CI.
"""

import json
import os
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.images.buildah import ROOT, Built, Store
from tests.serving import running_server

pytestmark = [pytest.mark.images, pytest.mark.pipeline, pytest.mark.one_stack, pytest.mark.slow]

REVISION = "0123456789abcdef0123456789abcdef01234567"  # made up
USER = 65532
KEY = "0123456789abcdef0123456789abcdef"
# docs/how-to/deploy.md's request.
TRIP = {"trip_start_timestamp": 1437057900, "trip_start_hour": 14, "trip_start_day": 5, "trip_start_month": 7,
        "fare": 7.65, "trip_miles": 1.4, "payment_type": "Credit Card"}  # fmt: skip
IMAGES = ("gateway", "pipeline")
DOCKERFILES = {
    "pipeline": "pipelines/deploy/pipeline.Dockerfile",
    "gateway": "serving/deploy/gateway.Dockerfile",
}
ENVIRONMENTS = {"pipeline": "/opt/pipeline", "gateway": "/opt/gateway"}
# A package of each, and one that the other alone has.
HAS, LACKS = {"pipeline": "tensorflow", "gateway": "fastapi"}, {"pipeline": "pytest", "gateway": "tensorflow"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("images"))
    try:
        store.make_base()
        yield store
    finally:
        store.remove()


@pytest.fixture(scope="module")
def built(store: Store) -> dict[str, Built]:
    # Debian's own interpreter has its headers in another package.
    options = {"pipeline": ("--build-arg=COMPILER=g++ python3-dev",), "gateway": ()}
    found = {}
    for name in IMAGES:
        labels = (f"--build-arg=REVISION={REVISION}", "--build-arg=VERSION=9.8.7")
        found[name] = store.build(DOCKERFILES[name], f"localhost/taxi-{name}:9.8.7", *labels, *options[name])
        print(f"\n{name}: built in {found[name].seconds:.0f} s, {found[name].megabytes:.0f} MB unpacked")
    return found


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The volume: an empty folder that belongs to the image's user."""
    folder = tmp_path_factory.mktemp("work")
    os.chown(folder, USER, USER)
    return folder


@pytest.fixture(scope="module")
def run(store: Store, built: dict[str, Built], work: Path) -> "subprocess.CompletedProcess[str]":
    """A run of the taxi task in the pipeline's image, from nothing."""
    return store.run(built["pipeline"].container, "python", "-m", "pipelines", "run", "--train-steps", "300", work=work)


@pytest.mark.parametrize("name", IMAGES)
def test_labels_and_user(built: dict[str, Built], name: str) -> None:
    labels = built[name].config["Labels"]
    assert {key: labels[f"org.opencontainers.image.{key}"] for key in ("revision", "title", "version")} == {
        "revision": REVISION, "title": f"taxi-{name}", "version": "9.8.7",
    }  # fmt: skip
    assert built[name].config["User"] == f"{USER}:{USER}"


@pytest.mark.parametrize("name", IMAGES)
def test_it_has_no_compiler_and_no_installer_and_cannot_change_itself(
    store: Store, built: dict[str, Built], name: str
) -> None:
    look = "id -u; for each in g++ cc make uv; do command -v $each; done; touch /app/new $1/new; true"
    done = store.run(built[name].container, "sh", "-c", look, "sh", ENVIRONMENTS[name])
    assert done.stdout.split() == [str(USER)], done
    assert done.stderr.count("Permission denied") == 2, done


def test_code_and_packages_have_their_bytecode(store: Store, built: dict[str, Built]) -> None:
    """Nothing is written there later, so a file without it would be compiled at every start."""
    done = store.run(built["pipeline"].container, "python", "-v", "-c", "import pipelines, numpy")
    for folder in ("/app/pipelines", "/opt/pipeline/lib/python3.13/site-packages/numpy"):
        assert f".pyc matches {folder}/__init__.py\n" in done.stderr


@pytest.mark.parametrize("name", IMAGES)
def test_the_bill_of_materials_is_what_the_lock_says(store: Store, built: dict[str, Built], name: str) -> None:
    document = json.loads(store.run(built[name].container, "cat", f"{ENVIRONMENTS[name]}/sbom.cdx.json").stdout)
    tried = store.run(built[name].container, "python", "-c", f"import {LACKS[name]}")
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.5")
    assert "No module named" in tried.stderr
    versions = {each["name"]: each["version"] for each in document["components"]}
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    assert versions[HAS[name]] in {each["version"] for each in locked if each["name"] == HAS[name]}
    assert LACKS[name] not in versions
    assert {"cpython", "libc6"} <= set(versions)  # the interpreter, and Debian's packages
    assert "g++" not in versions
    if name == "pipeline":
        assert versions["tensorflow"] == "2.21.0"  # the current stack, which Python 3.13 chooses


def test_a_run_pushes_a_model(run: "subprocess.CompletedProcess[str]", work: Path) -> None:
    print(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr
    (pushed,) = (work / "var" / "serving" / "taxi").iterdir()
    assert (pushed / "saved_model.pb").stat().st_uid == USER
    assert (work / "var" / "runs" / "latest" / "summary.json").is_file()


def test_the_gateway_answers_with_that_model(
    store: Store, built: dict[str, Built], run: "subprocess.CompletedProcess[str]", work: Path, tmp_path: Path
) -> None:
    assert run.returncode == 0
    grpc_port, rest_port, port = running_server.free_ports(3)
    serve = ("python", "-m", "serving", "server", f"--port={grpc_port}", f"--rest_api_port={rest_port}",
             "--model_name=taxi", "--model_base_path=/work/var/serving/taxi")  # fmt: skip
    environment = {
        "GATEWAY__LISTEN__PORT": str(port),
        "GATEWAY__MODEL__SERVER": f"http://127.0.0.1:{rest_port}",
        "GATEWAY_API_KEYS": f"me:{KEY}",
    }
    server_log, gateway_log = tmp_path / "server.log", tmp_path / "gateway.log"
    entry = built["gateway"].config["Entrypoint"]
    with store.started(built["pipeline"].container, *serve, work=work, log=server_log) as server:
        running_server.wait_for(lambda: "Ready:" in server_log.read_text(), server, server_log)
        container = built["gateway"].container
        with store.started(container, *entry, environment=environment, log=gateway_log) as gateway:
            url = f"http://127.0.0.1:{port}"
            running_server.wait_for(lambda: _answers(f"{url}/readyz"), gateway, gateway_log)
            answer = httpx.post(f"{url}/v1/tip", json=TRIP, headers={"X-API-Key": KEY}, timeout=60)
            print(answer.text)
    assert answer.status_code == 200, answer.text
    (prediction,) = answer.json()["predictions"]
    assert 0 < prediction["probability"] < 1
    (pushed,) = (work / "var" / "serving" / "taxi").iterdir()
    assert answer.json()["model_version"] == pushed.name


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=30).status_code == 200
    except httpx.TransportError:
        return False
