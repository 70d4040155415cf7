"""The rendered manifests: valid, hardened, and of one mind with themselves and with the gateway's settings."""

import copy
from collections.abc import Callable
from typing import Any

import kubernetes_validate
import pytest
import yaml

from serving.gateway import settings as gateway_settings
from tests.serving.deploy import files
from tests.serving.deploy.files import OVERLAYS, ROOT, Document, of_kind

pytestmark = pytest.mark.slow

NAMES = ("gateway", "model-server")
MADE_BY_HAND = {"model-signing-keys"}  # docs/how-to/deploy.md
overlays = pytest.mark.parametrize("overlay", OVERLAYS)
names = pytest.mark.parametrize("name", NAMES)


@overlays
@pytest.mark.parametrize("version", ["1.34", "1.37"])
def test_manifests_meet_the_schemas_of_kubernetes(overlay: str, version: str) -> None:
    for manifest in files.manifests(overlay):
        kubernetes_validate.validate(manifest, version, strict=True)


def test_a_misspelt_field_is_noticed() -> None:
    deployment = of_kind("staging", "Deployment")["gateway"]
    deployment["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readynessProbe"):
        kubernetes_validate.validate(deployment, "1.37", strict=True)


@overlays
def test_everything_lies_in_the_overlays_namespace(overlay: str) -> None:
    namespace = f"taxi-{overlay}"
    for manifest in files.manifests(overlay):
        if manifest["kind"] == "Namespace":
            assert manifest["metadata"]["name"] == namespace
            assert manifest["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
        else:
            assert manifest["metadata"]["namespace"] == namespace, manifest


# --- What a pod may do ---


def looseness(pod: Document) -> list[str]:
    """What a pod could do that no pod here has to."""
    found = []

    def demand(met: bool, what: str) -> None:
        if not met:
            found.append(what)

    security = pod.get("securityContext", {})
    demand(security.get("runAsNonRoot") is True and security.get("runAsUser", 0) > 0, "root")
    demand(security.get("seccompProfile") == {"type": "RuntimeDefault"}, "seccomp")
    demand(pod.get("automountServiceAccountToken") is False, "token")
    demand(pod.get("serviceAccountName") in NAMES, "service account")
    demand(pod.get("enableServiceLinks") is False, "service links")
    demand(not any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")), "host namespaces")
    demand(not any("hostPath" in volume for volume in pod["volumes"]), "host files")
    for each in pod["containers"] + pod.get("initContainers", []):
        security = each.get("securityContext", {})
        demand(security.get("readOnlyRootFilesystem") is True, "writable root")
        demand(security.get("allowPrivilegeEscalation") is False, "escalation")
        demand(not security.get("privileged"), "privileged")
        demand(security.get("capabilities") == {"drop": ["ALL"]}, "capabilities")
        resources = each.get("resources", {})
        demand({"cpu", "memory"} <= set(resources.get("requests", {})), "requests")
        demand("memory" in resources.get("limits", {}), "memory limit")
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            demand(probe in each, probe)
    return found


@overlays
@names
def test_pods_are_hardened(overlay: str, name: str) -> None:
    assert looseness(files.pod(overlay, name)) == []


def _of_container(*path: str) -> Callable[[Document], Any]:
    def remove(pod: Document) -> None:
        place = pod["containers"][0]
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]

    return remove


@pytest.mark.parametrize(
    ("fault", "noticed"),
    [
        (lambda pod: pod.update(hostNetwork=True), "host namespaces"),
        (lambda pod: pod.pop("automountServiceAccountToken"), "token"),
        (lambda pod: pod.pop("enableServiceLinks"), "service links"),
        (lambda pod: pod["securityContext"].pop("seccompProfile"), "seccomp"),
        (lambda pod: pod["securityContext"].update(runAsUser=0), "root"),
        (lambda pod: pod["volumes"].append({"name": "host", "hostPath": {"path": "/"}}), "host files"),
        (_of_container("securityContext", "readOnlyRootFilesystem"), "writable root"),
        (_of_container("securityContext", "allowPrivilegeEscalation"), "escalation"),
        (_of_container("securityContext", "capabilities"), "capabilities"),
        (_of_container("resources", "limits"), "memory limit"),
        (_of_container("resources", "requests", "cpu"), "requests"),
        (_of_container("livenessProbe"), "livenessProbe"),
    ],
)
def test_looseness_is_noticed(fault: Callable[[Document], Any], noticed: str) -> None:
    pod = copy.deepcopy(files.pod("production", "gateway"))
    fault(pod)
    assert looseness(pod) == [noticed]


def test_the_pod_that_copies_a_model_is_hardened_too() -> None:
    pod = yaml.safe_load((files.DEPLOY / "kubernetes" / "model-copy.yaml").read_text())
    kubernetes_validate.validate(pod, "1.37", strict=True)
    assert looseness(pod["spec"]) == ["service account", "startupProbe", "readinessProbe", "livenessProbe"]
    claims = [volume["persistentVolumeClaim"]["claimName"] for volume in pod["spec"]["volumes"]]
    assert claims == [
        volume["persistentVolumeClaim"]["claimName"]
        for volume in files.pod("staging", "model-server")["volumes"]
        if volume["name"] == "models"
    ]
    for name in NAMES:
        selector = of_kind("staging", "Service")[name]["spec"]["selector"]
        assert not selector.items() <= pod["metadata"]["labels"].items(), "it must get no requests"


@overlays
def test_nothing_secret_is_in_the_manifests(overlay: str) -> None:
    assert of_kind(overlay, "Secret") == {}
    (volume,) = [volume for volume in files.pod(overlay, "gateway")["volumes"] if "secret" in volume]
    assert volume["secret"]["secretName"] == "gateway-api-keys"


@overlays
def test_images_are_pinned(overlay: str) -> None:
    for name in NAMES:
        pod = files.pod(overlay, name)
        for image in [each["image"] for each in pod["containers"] + pod.get("initContainers", [])]:
            tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
            assert tag[:1].isdigit(), image


# --- Who finds whom ---


@overlays
@names
def test_selectors_match_the_pods(overlay: str, name: str) -> None:
    deployment = of_kind(overlay, "Deployment")[name]
    labels = deployment["spec"]["template"]["metadata"]["labels"].items()
    others = of_kind(overlay, "Deployment")[next(other for other in NAMES if other != name)]
    selectors = {
        "deployment": deployment["spec"]["selector"]["matchLabels"],
        "service": of_kind(overlay, "Service")[name]["spec"]["selector"],
        "disruption budget": of_kind(overlay, "PodDisruptionBudget")[name]["spec"]["selector"]["matchLabels"],
        "network policy": of_kind(overlay, "NetworkPolicy")[name]["spec"]["podSelector"]["matchLabels"],
    }
    (spread,) = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    selectors["spread"] = spread["labelSelector"]["matchLabels"]
    for what, selector in selectors.items():
        assert selector.items() <= labels, what
        assert not selector.items() <= others["spec"]["template"]["metadata"]["labels"].items(), what
    scaled = of_kind(overlay, "HorizontalPodAutoscaler")[name]["spec"]["scaleTargetRef"]
    assert (scaled["apiVersion"], scaled["kind"], scaled["name"]) == ("apps/v1", "Deployment", name)
    assert "replicas" not in deployment["spec"], "would undo what the autoscaler set, at every apply"


@overlays
@names
def test_ports_have_one_number(overlay: str, name: str) -> None:
    container = files.container(overlay, name)
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    if name == "model-server":
        given = files.flags(container["args"])
        assert ports == {"grpc": int(given["port"]), "http": int(given["rest_api_port"])}
    else:
        given = files.settings(container["env"])
        listening = {"http": "GATEWAY__LISTEN__PORT", "operator": "GATEWAY__LISTEN__OPERATOR_PORT"}
        assert ports == {port: int(given[variable]) for port, variable in listening.items()}
    (port,) = of_kind(overlay, "Service")[name]["spec"]["ports"]
    assert port["targetPort"] == "http", "no service leads to the operators' port"
    assert port["targetPort"] in ports
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] in ports
    annotations = of_kind(overlay, "Deployment")[name]["spec"]["template"]["metadata"]["annotations"]
    assert int(annotations["prometheus.io/port"]) == ports.get("operator", ports["http"])


@overlays
def test_volumes_are_there_and_models_cannot_be_written(overlay: str) -> None:
    there = {
        "configMap": set(of_kind(overlay, "ConfigMap")),
        "persistentVolumeClaim": set(of_kind(overlay, "PersistentVolumeClaim")),
    }
    for name in NAMES:
        pod = files.pod(overlay, name)
        mounts = [mount for each in pod["containers"] + pod.get("initContainers", []) for mount in each["volumeMounts"]]
        assert {mount["name"] for mount in mounts} == {volume["name"] for volume in pod["volumes"]}
        for volume in pod["volumes"]:
            if "configMap" in volume:
                assert volume["configMap"]["name"] in there["configMap"] | MADE_BY_HAND
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in there["persistentVolumeClaim"]
    (models,) = [each for each in files.pod(overlay, "model-server")["volumes"] if each["name"] == "models"]
    assert models["persistentVolumeClaim"]["readOnly"] is True


@overlays
def test_the_config_map_is_the_files_themselves(overlay: str) -> None:
    (config,) = [each for name, each in of_kind(overlay, "ConfigMap").items() if name.startswith("model-server-config")]
    assert config["data"] == {
        name: (files.MODEL_SERVER / name).read_text()
        for name in ("models.config", "batching.config", "monitoring.config")
    }
    folder = next(m for m in files.container(overlay, "model-server")["volumeMounts"] if m["name"] == "config")
    for flag, path in files.flags(files.container(overlay, "model-server")["args"]).items():
        if flag.endswith("_file"):
            parent, _, name = path.rpartition("/")
            assert (parent, name in config["data"]) == (folder["mountPath"], True), path


@overlays
def test_the_gateway_takes_its_variables(overlay: str) -> None:
    """Also that no variable is misspelt: the gateway refuses a setting that it does not know."""
    container = files.container(overlay, "gateway")
    found = gateway_settings.load(ROOT / "serving" / "gateway" / "taxi.toml", files.settings(container["env"]))
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    assert found.listen.host == "0.0.0.0"
    port = of_kind(overlay, "Service")["model-server"]["spec"]["ports"][0]["port"]
    assert found.model.server == f"http://model-server:{port}"
    assert str(found.traffic) == f"{mounts['traffic']['mountPath']}/traffic.json"
    (traffic,) = [each for name, each in of_kind(overlay, "ConfigMap").items() if name.startswith("traffic")]
    assert list(traffic["data"]) == ["traffic.json"]
    assert str(found.keys.file) == f"{mounts['api-keys']['mountPath']}/api-keys"
    assert found.request_log is not None
    assert str(found.request_log.folder).startswith(mounts["request-log"]["mountPath"] + "/")
    assert "readOnly" not in mounts["request-log"]


@overlays
def test_pods_end_in_order(overlay: str) -> None:
    """A pod stays for the while in which it still gets requests, and then for those that it has."""
    shutdown = gateway_settings.load(ROOT / "serving" / "gateway" / "taxi.toml", {}).listen.shutdown_seconds
    for name, needed in (("gateway", shutdown), ("model-server", 10)):
        command, seconds = files.container(overlay, name)["lifecycle"]["preStop"]["exec"]["command"]
        assert command == "/bin/sleep"
        assert files.pod(overlay, name)["terminationGracePeriodSeconds"] >= int(seconds) + needed


# --- Who may talk to whom ---


def allowed(overlay: str, direction: str, name: str) -> set[tuple[str, str | int]]:
    """(who, port) of each rule of a pod's policy; who as the sorted labels that it must have."""
    found = set()
    side = {"ingress": "from", "egress": "to"}[direction]
    for rule in of_kind(overlay, "NetworkPolicy")[name]["spec"].get(direction, []):
        for peer in rule[side]:  # a rule without peers would let everybody in
            labels = [selector["matchLabels"] for selector in peer.values()]
            who = " ".join(sorted(f"{key}={value}" for each in labels for key, value in each.items()))
            found |= {(who, port["port"]) for port in rule["ports"]}
    return found


@overlays
def test_who_may_talk_to_whom(overlay: str) -> None:
    policies = of_kind(overlay, "NetworkPolicy")
    assert policies["default-deny"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert all(policies[name]["spec"]["policyTypes"] == ["Ingress", "Egress"] for name in NAMES)
    prometheus = "app.kubernetes.io/name=prometheus kubernetes.io/metadata.name=monitoring"
    dns = "k8s-app=kube-dns kubernetes.io/metadata.name=kube-system"
    assert allowed(overlay, "ingress", "gateway") == {("calls-gateway=true", "http"), (prometheus, "operator")}
    assert allowed(overlay, "egress", "gateway") == {
        ("app.kubernetes.io/name=model-server", 8501),
        (dns, 53),
    }
    assert allowed(overlay, "ingress", "model-server") == {
        ("app.kubernetes.io/name=gateway", "http"),
        (prometheus, "http"),
        (prometheus, 9101),
    }
    assert allowed(overlay, "egress", "model-server") == set()
    ports = {port["name"]: port["containerPort"] for port in files.container(overlay, "model-server")["ports"]}
    assert ports["http"] == 8501, "the port of the gateway's egress rule"
    (sidecar,) = files.pod(overlay, "model-server")["initContainers"]
    assert [port["containerPort"] for port in sidecar["ports"]] == [9101], "the port of Prometheus' rule"


# --- What makes production production ---


def test_production_is_larger_stricter_and_batches() -> None:
    for name in NAMES:
        small, large = (of_kind(overlay, "HorizontalPodAutoscaler")[name]["spec"] for overlay in OVERLAYS)
        assert large["minReplicas"] > small["minReplicas"] >= 2
        assert large["maxReplicas"] > small["maxReplicas"]
        strict = of_kind("production", "PodDisruptionBudget")[name]["spec"]
        assert "maxUnavailable" not in strict
        left = large["minReplicas"] * int(strict["minAvailable"].removesuffix("%")) // 100
        assert large["minReplicas"] - 1 <= left < large["minReplicas"], "one may go at a time, and one may go"
        (spread,) = files.pod("production", name)["topologySpreadConstraints"]
        assert spread["whenUnsatisfiable"] == "DoNotSchedule"
    batching = {"enable_batching": "true", "batching_parameters_file": "/config/batching.config"}
    staging, production = (files.flags(files.container(overlay, "model-server")["args"]) for overlay in OVERLAYS)
    assert production == {**staging, **batching}
