"""TLS in compose and Kubernetes: the page's recipe, and files that are of one mind with it and with each other."""

import copy
import re
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from cryptography import x509

from serving.cli.app import app
from serving.cli.usage import execute
from serving.gateway import settings as gateway_settings
from serving.gateway.settings import GatewaySettings
from serving.rollout.options import RolloutOptions
from serving.tls.certificates import read_certificate
from tests.serving.deploy import files, test_compose, test_kubernetes
from tests.serving.deploy.files import DEPLOY, ROOT, Document, of_kind

OVERLAY = "production-tls"
PAGE = (ROOT / "docs" / "how-to" / "tls.md").read_text()
(RECIPE,) = re.findall(r"^```bash\n(.+?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
(RENEWAL,) = re.findall(r"^`(\(cd var/tls && issue .+?\))` renews", PAGE, flags=re.MULTILINE)
PARTS = ("gateway", "model-server", "gateway-client", "operator")
TAXI = ROOT / "serving" / "gateway" / "taxi.toml"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the page's commands ran; the certificate of the gateway was issued twice."""
    folder = tmp_path_factory.mktemp("recipe")
    script = f"set -e\n{RECIPE}\n{RENEWAL}\n"
    done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "var" / "tls"


def verified(folder: Path, purpose: str) -> bool:
    """Whether OpenSSL takes the certificate for this purpose, strictly."""
    command = [
        "openssl",
        "verify",
        "-x509_strict",
        "-purpose",
        purpose,
        "-CAfile",
        folder / "ca.crt",
        folder / "tls.crt",
    ]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def names(pem: bytes) -> set[str]:
    extension = x509.load_pem_x509_certificate(pem).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return set(extension.value.get_values_for_type(x509.DNSName))


def test_the_pages_commands_make_usable_certificates(made: Path) -> None:
    for part in PARTS:
        found = read_certificate(made / part / "tls.crt", made / part / "tls.key")
        assert 89 < found.seconds_left / 86400 < 90
        assert (made / part / "tls.key").stat().st_mode & 0o007 == 0
        assert {path.name for path in (made / part).iterdir()} == {"tls.crt", "tls.key", "ca.crt"}
        fits = {purpose for purpose in ("sslserver", "sslclient") if verified(made / part, purpose)}
        assert fits == {"sslclient" if part in ("gateway-client", "operator") else "sslserver"}
    assert {"gateway", "localhost"} <= names((made / "gateway" / "tls.crt").read_bytes())
    assert {"model-server", "model-server-tls"} <= names((made / "model-server" / "tls.crt").read_bytes())


def test_the_pages_settings_are_settings(tmp_path: Path) -> None:
    (tables,) = re.findall(r"^```toml\n(.+?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "taxi.toml").write_text(f"{TAXI.read_text()}\n{_without_model(tables)}")
    flags = {"contract": "c", "model.server": "https://m:1", "listen.operator_port": 8081}
    found = gateway_settings.load(tmp_path / "taxi.toml", _model_variables(tables), flags)
    assert found.listen.tls is not None
    assert found.listen.tls.client_ca == tmp_path / "tls" / "clients.crt"
    assert found.listen.operator_tls is not None
    assert found.model.tls is not None
    assert found.model.tls.server_name == "model-server"


def _without_model(tables: str) -> str:
    return tables.partition("[model.tls]")[0]


def _model_variables(tables: str) -> dict[str, str]:
    pairs = re.findall(r'^(\w+) = "(.+?)"', tables.partition("[model.tls]")[2], flags=re.MULTILINE)
    return {f"GATEWAY__MODEL__TLS__{name.upper()}": value for name, value in pairs}


# --- Compose ---


def over() -> dict[str, Document]:
    """The services of the file that is laid over compose.yaml."""
    return dict(yaml.safe_load((DEPLOY / "compose.tls.yaml").read_text())["services"])


def folder_of(service: Document, target: str) -> str:
    """The part of SERVING_TLS that is mounted there."""
    (found,) = [each for each in service["volumes"] if f":{target}:ro" in each]
    return re.sub(r"^\$\{SERVING_TLS:-[^}]+\}/(.+?):.+$", r"\1", found)


@pytest.mark.slow
def test_the_file_over_compose_meets_the_schema() -> None:
    assert test_compose.check_schema(DEPLOY / "compose.tls.yaml").returncode == 0


def test_the_proxy_of_compose_is_hardened() -> None:
    assert test_compose.looseness(files.with_default_image(over()["model-server-tls"])) == []
    assert set(over()) - {"model-server-tls"} <= set(files.compose()["services"])


def check_gateway(found: GatewaySettings, folders: dict[str, str]) -> None:
    """Holds the gateway's settings against what is mounted: the folder of a path -> whose certificate lies there."""
    assert found.listen.tls is not None
    assert found.model.tls is not None
    paths = (found.listen.tls.certificate, found.listen.tls.key)
    assert [(folders[str(path.parent)], path.name) for path in paths] == [
        ("gateway", "tls.crt"),
        ("gateway", "tls.key"),
    ]
    client = (found.model.tls.ca, found.model.tls.certificate, found.model.tls.key)
    assert [(folders[str(path.parent)], path.name) for path in client if path] == [
        ("gateway-client", "ca.crt"), ("gateway-client", "tls.crt"), ("gateway-client", "tls.key"),
    ]  # fmt: skip


def test_composes_services_find_their_certificates_and_each_other(made: Path) -> None:
    gateway = over()["gateway"]
    variables = files.service("gateway")["environment"] | gateway["environment"]
    found = gateway_settings.load(TAXI, {name: value for name, value in variables.items() if "API_KEYS" not in name})
    targets = ("/run/tls/gateway", "/run/tls/model")
    check_gateway(found, {target: folder_of(gateway, target) for target in targets})
    proxy = over()["model-server-tls"]
    assert folder_of(proxy, proxy["environment"]["CERTIFICATES"]) == "model-server"
    assert proxy["environment"]["TARGET"] in files.compose()["services"]
    assert found.model.server == "https://model-server-tls:8443"
    assert "model-server-tls" in names((made / "model-server" / "tls.crt").read_bytes())
    assert "gateway" in names((made / "gateway" / "tls.crt").read_bytes()), "as Prometheus calls it"


def test_the_operators_command_line_is_understood(capsys: pytest.CaptureFixture[str]) -> None:
    command = over()["rollout"]["entrypoint"][3:]
    assert command[0] == "rollout"
    plain = {option for option in files.service("rollout")["entrypoint"][3:] if not option.startswith("--server=")}
    assert plain <= set(command), "what the plain one asks for, the signatures of versions among it, holds here, too"
    assert execute(app, [*command, "status"]) == 2
    assert "/config/models.config" in capsys.readouterr().err, "the options are known; only the file is not here"


def test_prometheus_reads_the_same_but_over_tls() -> None:
    with_tls = yaml.safe_load((DEPLOY / "prometheus" / "prometheus-tls.yml").read_text())
    (gateway,) = [each for each in with_tls["scrape_configs"] if each["job_name"] == "gateway"]
    assert gateway.pop("scheme") == "https"
    ca = gateway.pop("tls_config")["ca_file"]
    assert any(volume.endswith(f":{ca}:ro") for volume in over()["prometheus"]["volumes"])
    assert with_tls == files.prometheus()


# --- Kubernetes ---


def test_manifests_meet_the_schemas_of_kubernetes() -> None:
    for manifest in files.manifests(OVERLAY):
        if "cert-manager.io" not in manifest["apiVersion"]:
            kubernetes_validate.validate(manifest, "1.37", strict=True)
        assert manifest["kind"] == "Namespace" or manifest["metadata"]["namespace"] == "taxi-production"


def certificates() -> dict[str, Document]:
    """Secret -> the certificate in it."""
    return {each["spec"]["secretName"]: each["spec"] for each in of_kind(OVERLAY, "Certificate").values()}


def test_every_secret_of_a_certificate_is_issued() -> None:
    issuers = of_kind(OVERLAY, "Issuer")
    for each in certificates().values():
        assert each["issuerRef"]["kind"] == "Issuer"
        assert each["issuerRef"]["name"] in issuers
    for name in test_kubernetes.NAMES:
        for volume in files.pod(OVERLAY, name)["volumes"]:
            if "secret" in volume and volume["secret"]["secretName"] != "gateway-api-keys":
                assert volume["secret"]["secretName"] in certificates()
                assert volume["secret"]["defaultMode"] == 0o440


def test_pods_are_hardened() -> None:
    for name in test_kubernetes.NAMES:
        assert test_kubernetes.looseness(files.pod(OVERLAY, name)) == []
        for each in files.pod(OVERLAY, name)["containers"]:
            assert re.search(r":v?\d+\.\d+", each["image"])


def container(pod: Document, name: str) -> Document:
    (found,) = [each for each in pod["containers"] if each["name"] == name]
    return dict(found)


def secrets_at(pod: Document, container: Document) -> dict[str, str]:
    """Where a secret is mounted -> its name."""
    secrets = {each["name"]: each["secret"]["secretName"] for each in pod["volumes"] if "secret" in each}
    return {m["mountPath"]: secrets[m["name"]] for m in container["volumeMounts"] if m["name"] in secrets}


def test_the_gateway_shows_and_checks_certificates() -> None:
    pod = files.pod(OVERLAY, "gateway")
    gateway = container(pod, "gateway")
    found = gateway_settings.load(TAXI, files.settings(gateway["env"]))
    parts = {"gateway-tls": "gateway", "gateway-model-tls": "gateway-client"}
    check_gateway(found, {path: parts.get(name, name) for path, name in secrets_at(pod, gateway).items()})
    host, port = re.fullmatch(r"https://([\w-]+):(\d+)", found.model.server).groups()  # type: ignore[union-attr]
    assert host in certificates()["model-server-tls"]["dnsNames"]
    (service,) = of_kind(OVERLAY, "Service")[host]["spec"]["ports"]
    assert service["port"] == int(port)
    assert "client auth" in certificates()["gateway-model-tls"]["usages"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert gateway[probe]["httpGet"]["scheme"] == "HTTPS"


def test_the_way_to_the_model_server_leads_through_tls_only() -> None:
    pod = files.pod(OVERLAY, "model-server")
    proxy = container(pod, "tls")
    (port,) = proxy["ports"]
    (service,) = of_kind(OVERLAY, "Service")["model-server"]["spec"]["ports"]
    assert service["targetPort"] == port["name"] == "https"
    variables = files.settings(proxy["env"])
    assert secrets_at(pod, proxy)[variables["CERTIFICATES"]] == "model-server-tls"
    assert f"bind :{port['containerPort']} ssl" in (DEPLOY / "tls_proxy" / "haproxy.cfg").read_text()
    prometheus = "app.kubernetes.io/name=prometheus kubernetes.io/metadata.name=monitoring"
    assert test_kubernetes.allowed(OVERLAY, "ingress", "model-server") == {
        ("app.kubernetes.io/name=gateway", "https"),
        (prometheus, "http"),
        (prometheus, 9101),  # the sidecar that verifies signatures
    }
    assert ("app.kubernetes.io/name=model-server", port["containerPort"]) in test_kubernetes.allowed(
        OVERLAY, "egress", "gateway"
    )
    for direction, name in (("ingress", "gateway"), ("egress", "model-server")):
        assert test_kubernetes.allowed(OVERLAY, direction, name) == test_kubernetes.allowed(
            "production", direction, name
        )


def test_the_ingress_leads_to_the_gateway_over_tls() -> None:
    (ingress,) = of_kind(OVERLAY, "Ingress").values()
    (rule,) = ingress["spec"]["rules"]
    assert ingress["spec"]["tls"][0]["hosts"] == [rule["host"]]
    (path,) = rule["http"]["paths"]
    backend = path["backend"]["service"]
    (port,) = of_kind(OVERLAY, "Service")[backend["name"]]["spec"]["ports"]
    assert backend["port"]["name"] == port["name"]
    notes = {key.rpartition("/")[2]: value for key, value in ingress["metadata"]["annotations"].items()}
    assert (notes["backend-protocol"], notes["proxy-ssl-verify"]) == ("HTTPS", "on")
    assert notes["proxy-ssl-name"] in certificates()["gateway-tls"]["dnsNames"]
    assert notes["proxy-ssl-secret"] == "taxi-production/gateway-tls"


def test_production_is_the_same_but_for_tls() -> None:
    """What the component does not name is untouched."""
    plain, tls = (copy.deepcopy(files.pod(overlay, "model-server")) for overlay in ("production", OVERLAY))
    assert container(plain, "model-server") == container(tls, "model-server")


def test_the_proxy_asks_for_certificates() -> None:
    text = (DEPLOY / "tls_proxy" / "haproxy.cfg").read_text()
    binds: list[Any] = re.findall(r"^ +bind (.+)$", text, flags=re.MULTILINE)
    assert len(binds) == 2
    assert all("ssl crt" in bind and "verify required" in bind for bind in binds)
    assert "ssl-min-ver TLSv1.2" in text


def test_the_proxy_waits_as_long_as_the_roll_out_does() -> None:
    """A call that reloads a server says nothing until the version has loaded: a bound on silence would cut it off."""
    text = (DEPLOY / "tls_proxy" / "haproxy.cfg").read_text()
    for section, side in (("frontend", "client"), ("backend", "server")):
        (found,) = re.findall(rf"^{section} grpc\n(?: .*\n)*? +timeout {side} (\d+)m", text, flags=re.MULTILINE)
        assert int(found) * 60 >= 2 * RolloutOptions().timeout
