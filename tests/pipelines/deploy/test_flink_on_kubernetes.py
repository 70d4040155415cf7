"""The manifests of a Flink cluster: valid, hardened, and of one mind with the engine, the images and `make flink-up`.

Kubernetes' own kinds are held against its schemas. Of the operator's FlinkDeployment there is no schema here: its
fields are those that the operator's reference lists, and its pod templates are held against the schema of a pod.
"""

import copy
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from environment import manifests
from pipelines.engines.flink import FlinkEngine
from tests.serving.deploy.test_kubernetes import looseness

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
DIGEST = "sha256:" + 64 * "0"
IMAGES = [f"registry.example.com/{name}@{DIGEST}" for name in ("taxi-flink", "taxi-pipeline")]
VERSIONS = ("1.34", "1.37")
Document = dict[str, Any]

# https://nightlies.apache.org/flink/flink-kubernetes-operator-docs-stable/docs/custom-resource/reference
# A session cluster has no `job`.
RESOURCE = {"cpu": float | int, "memory": str, "ephemeralStorage": str}
POD = {"apiVersion": str, "kind": str, "metadata": dict, "spec": dict}
FIELDS: Document = {
    "image": str,
    "imagePullPolicy": str,
    "flinkVersion": ("v1_16", "v1_17", "v1_18", "v1_19", "v1_20"),
    "mode": ("native", "standalone"),
    "serviceAccount": str,
    "restartNonce": int,
    "flinkConfiguration": dict,
    "logConfiguration": dict,
    "ingress": dict,
    "podTemplate": POD,
    "jobManager": {"resource": RESOURCE, "replicas": int, "podTemplate": POD},
    "taskManager": {"resource": RESOURCE, "replicas": int, "podTemplate": POD},
}
REQUIRED = {"image", "flinkVersion", "serviceAccount", "jobManager", "taskManager"}
MAIN = "flink-main-container"


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return list(yaml.safe_load_all(manifests.render("flink", IMAGES)))


@pytest.fixture
def of_kind(documents: list[Document]) -> Callable[[str, str], Document]:
    def find(kind: str, name: str) -> Document:
        (found,) = [each for each in documents if (each["kind"], each["metadata"]["name"]) == (kind, name)]
        return copy.deepcopy(found)

    return find


@pytest.fixture
def cluster(of_kind: Callable[[str, str], Document]) -> Document:
    return dict(of_kind("FlinkDeployment", "flink")["spec"])


def unknown(value: object, fields: object, place: str = "spec") -> list[str]:
    """Where a value is not what the operator's reference lists."""
    if isinstance(fields, dict):
        if not isinstance(value, dict):
            return [place]
        missing = [f"{place}.{name}" for name in value if name not in fields]
        known = (unknown(each, fields[name], f"{place}.{name}") for name, each in value.items() if name in fields)
        return missing + [fault for faults in known for fault in faults]
    # A tuple lists the values that fit; anything else is a type, which mypy cannot tell.
    fits = value in fields if isinstance(fields, tuple) else isinstance(value, fields)  # type: ignore[arg-type]
    return [] if fits else [place]


def merged_pod(cluster: Document, part: str, by_name: bool = False) -> Document:
    """The pod that the operator makes of the common template and the part's; lists by position, unless it is set to."""
    pod = _merge(cluster["podTemplate"]["spec"], cluster[part].get("podTemplate", {}).get("spec", {}), by_name)
    (main,) = [each for each in pod["containers"] if each["name"] == MAIN]
    main.setdefault("image", cluster["image"])
    return dict(pod)


def _merge(base: Any, over: Any, by_name: bool) -> Any:
    if isinstance(base, dict) and isinstance(over, dict):
        merged = {name: _merge(base[name], over[name], by_name) if name in base else over[name] for name in over}
        return copy.deepcopy({**base, **merged})
    if not (isinstance(base, list) and isinstance(over, list)):
        return copy.deepcopy(over)
    if by_name:
        named = {each["name"]: each for each in base}
        return [_merge(named.get(each["name"], {}), each, by_name) for each in over] + [
            each for each in base if each["name"] not in {other["name"] for other in over}
        ]
    pairs = itertools.zip_longest(base, over, fillvalue={})
    return [_merge(one, other, by_name) for one, other in pairs]


@pytest.mark.parametrize("part", ["jobManager", "taskManager"])
def test_pods_are_the_same_however_the_operator_merges_lists(cluster: Document, part: str) -> None:
    """https://nightlies.apache.org/flink/flink-kubernetes-operator-docs-stable/docs/custom-resource/pod-template."""
    assert merged_pod(cluster, part) == merged_pod(cluster, part, by_name=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_own_kinds_meet_its_schemas(documents: list[Document], version: str) -> None:
    kinds = set()
    for each in documents:
        if each["kind"] != "FlinkDeployment":
            kubernetes_validate.validate(each, version, strict=True)
            kinds.add(each["kind"])
    assert kinds == {"ConfigMap", "CronJob", "Deployment", "Namespace", "NetworkPolicy", "PersistentVolumeClaim",
                     "Service", "ServiceAccount"}  # fmt: skip


def test_the_flink_deployment_has_fields_of_the_operators_reference(
    of_kind: Callable[[str, str], Document], cluster: Document
) -> None:
    whole = of_kind("FlinkDeployment", "flink")
    assert whole["apiVersion"] == "flink.apache.org/v1beta1"
    assert unknown(cluster, FIELDS) == []
    assert set(cluster) >= REQUIRED
    # Flink's settings are text to the operator: a number would be refused.
    assert {type(value) for value in cluster["flinkConfiguration"].values()} == {str}


@pytest.mark.parametrize(
    ("fault", "noticed"),
    [
        (lambda spec: spec.update(taskManagers={}), "spec.taskManagers"),
        (lambda spec: spec.update(flinkVersion="1.19"), "spec.flinkVersion"),
        (lambda spec: spec["taskManager"].update(replica=2), "spec.taskManager.replica"),
        (lambda spec: spec["jobManager"]["resource"].update(memory=1600), "spec.jobManager.resource.memory"),
    ],
)
def test_a_misspelt_field_is_noticed(cluster: Document, fault: Callable[[Document], Any], noticed: str) -> None:
    fault(cluster)
    assert unknown(cluster, FIELDS) == [noticed]


@pytest.mark.parametrize("part", ["jobManager", "taskManager"])
@pytest.mark.parametrize("version", VERSIONS)
def test_pod_templates_are_pods(cluster: Document, part: str, version: str) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": merged_pod(cluster, part)}
    kubernetes_validate.validate(pod, version, strict=True)


def test_each_task_manager_has_a_pool_of_its_own_in_the_pipelines_image(cluster: Document) -> None:
    (main, pool) = merged_pod(cluster, "taskManager")["containers"]
    assert (main["name"], pool["name"]) == (MAIN, "workers")
    assert pool["image"] == IMAGES[1]
    assert pool["command"] == ["python", "-m", "apache_beam.runners.worker.worker_pool_main"]
    options = dict(argument.removeprefix("--").split("=") for argument in pool["args"])
    assert options["service_port"] == "50000"
    executable = ROOT / Path(options["container_executable"]).relative_to("/app")
    assert executable.stat().st_mode & 0o111
    assert [each["name"] for each in merged_pod(cluster, "jobManager")["containers"]] == [MAIN]


def test_a_run_finds_the_cluster(
    documents: list[Document], of_kind: Callable[[str, str], Document], cluster: Document, tmp_path: Path
) -> None:
    (state,) = [each for each in documents if each["kind"] == "ConfigMap"]
    (tmp_path / "cluster.json").write_text(state["data"]["cluster.json"])
    engine = FlinkEngine.of_cluster(tmp_path, job_name="one", time_limit=60)
    assert engine.rest == "flink-rest:8081"  # the service that the operator makes beside a FlinkDeployment flink
    job_server = of_kind("Service", "job-server")
    assert engine.job_endpoint == f"job-server:{job_server['spec']['ports'][0]['port']}"
    slots = int(cluster["flinkConfiguration"]["taskmanager.numberOfTaskSlots"])
    assert engine.parallelism == slots * cluster["taskManager"]["replicas"]
    (pool,) = [each for each in merged_pod(cluster, "taskManager")["containers"] if each["name"] == "workers"]
    assert engine.worker_pool == f"localhost:{pool['startupProbe']['tcpSocket']['port']}"
    run = of_kind("CronJob", "run")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (mounted,) = [each for each in run["containers"][0]["volumeMounts"] if each["name"] == "flink-cluster"]
    assert mounted["mountPath"] == "/work/var/flink"
    assert "--var=/work/var" in run["containers"][0]["args"]
    (volume,) = [each for each in run["volumes"] if each["name"] == "flink-cluster"]
    assert volume["configMap"]["name"] == state["metadata"]["name"]


def test_the_job_server_is_told_where_jobs_go_and_where_task_managers_look(
    of_kind: Callable[[str, str], Document], cluster: Document
) -> None:
    pod = of_kind("Deployment", "job-server")["spec"]["template"]["spec"]
    options = dict(argument.removeprefix("--").split("=") for argument in pod["containers"][0]["args"])
    assert options["flink-master"] == "flink-rest:8081"
    assert options["job-host"] == "$(POD_IP)"
    assert options["job-port"] == "8099"
    shared = [each["mountPath"] for each in merged_pod(cluster, "taskManager")["containers"][0]["volumeMounts"]]
    assert options["artifacts-dir"].startswith(f"{shared[0]}/")


def test_every_pod_that_touches_artifacts_has_the_shared_volume(
    of_kind: Callable[[str, str], Document], cluster: Document
) -> None:
    assert of_kind("PersistentVolumeClaim", "work")["spec"]["accessModes"] == ["ReadWriteMany"]
    run = of_kind("CronJob", "run")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    server = of_kind("Deployment", "job-server")["spec"]["template"]["spec"]
    for pod in (run, server, merged_pod(cluster, "jobManager"), merged_pod(cluster, "taskManager")):
        claims = [
            each["persistentVolumeClaim"]["claimName"] for each in pod["volumes"] if "persistentVolumeClaim" in each
        ]
        assert claims == ["work"]
        assert pod["securityContext"]["fsGroup"] == 65532
        for each in pod["containers"]:
            assert "/work" in {mount["mountPath"] for mount in each["volumeMounts"]}, each["name"]


def test_pods_are_hardened(of_kind: Callable[[str, str], Document], cluster: Document) -> None:
    server = of_kind("Deployment", "job-server")["spec"]["template"]["spec"]
    assert looseness(server) == ["service account"]  # none of serving's
    run = of_kind("CronJob", "run")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert looseness(run) == ["service account", "startupProbe", "readinessProbe", "livenessProbe"]
    # The operator gives Flink's container its resources and probes. Flink's start script writes to its conf folder.
    own = ["writable root", "requests", "memory limit", "startupProbe", "readinessProbe", "livenessProbe"]
    assert looseness(merged_pod(cluster, "jobManager")) == ["service account", *own]
    assert looseness(merged_pod(cluster, "taskManager")) == ["service account", *own, "readinessProbe"]


def test_flinks_settings_are_those_of_the_cluster_that_tests_run(cluster: Document) -> None:
    here = {name: str(value) for name, value in _settings().items()}
    there = cluster["flinkConfiguration"]
    of_kubernetes = {"taskmanager.numberOfTaskSlots"}  # cluster.py gives it on the command line
    assert {name: value.lower() for name, value in there.items() if here.get(name, "").lower() != value.lower()} == {
        name: there[name] for name in of_kubernetes
    }
    # What the operator, or Flink's start script, works out: addresses, and the rest of the memory.
    left_out = {name.rpartition(".")[0] for name in here if name not in there}
    assert left_out <= {
        "jobmanager", "jobmanager.rpc", "jobmanager.memory.process", "rest", "taskmanager", "taskmanager.cpu",
        "taskmanager.memory.framework.heap", "taskmanager.memory.framework.off-heap", "taskmanager.memory.task.heap",
        "taskmanager.memory.task.off-heap", "taskmanager.memory.jvm-metaspace", "taskmanager.memory.jvm-overhead",
    }  # fmt: skip
    # All parts of a TaskManager's memory of make flink-up, in MiB, fit into what Kubernetes gives.
    parts = ("framework.heap.size", "framework.off-heap.size", "task.heap.size", "task.off-heap.size", "managed.size",
             "jvm-metaspace.size", "jvm-overhead.max", "network.max")  # fmt: skip
    needed = sum(int(here[f"taskmanager.memory.{part}"].removesuffix("m")) for part in parts)
    assert needed <= int(cluster["taskManager"]["resource"]["memory"].removesuffix("m")) <= needed + 128


def _settings() -> dict[str, object]:
    return dict(yaml.safe_load((ROOT / "environment" / "flink" / "config.yaml").read_text()))


def test_the_state_file_is_json_of_what_the_engine_reads() -> None:
    state = json.loads((ROOT / "pipelines/deploy/kubernetes/flink/cluster.json").read_text())
    assert set(state) == {"rest", "job_endpoint", "slots", "worker_pool"}
