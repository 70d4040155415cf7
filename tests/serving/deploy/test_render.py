"""`make deploy-render`, and an overlay with a roll-out of its own, as docs/how-to/deploy.md shows it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests.serving.deploy import files
from tests.serving.deploy.files import DEPLOY, DIGEST, OVERLAYS, ROOT, Document

PAGE = (ROOT / "docs" / "how-to" / "deploy.md").read_text()


TAGS = {"registry.example.com/taxi-gateway": "1.0.0", "tensorflow/serving": "2.21.0"}


def run_target(*variables: str) -> "subprocess.CompletedProcess[str]":
    # Not run by make itself: it would look after .venv, which runs these very tests.
    planned = ["make", "--dry-run", "deploy-render", *variables]
    alone = {"PATH": os.environ["PATH"]}  # what a make around these tests was given must not reach this one
    said = subprocess.run(planned, cwd=ROOT, env=alone, capture_output=True, text=True, check=True).stdout
    command = said.splitlines()[-1].replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    return subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_target_prints_what_kustomize_makes() -> None:
    done = run_target("OVERLAY=staging")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == files.rendered("staging")
    assert "namespace: taxi-staging\n" in done.stdout


def test_production_is_printed_with_digests_and_else_as_kustomize_makes_it() -> None:
    done = run_target("OVERLAY=production", "IMAGES=" + " ".join(f"{name}@{DIGEST}" for name in TAGS))
    assert (done.returncode, done.stderr) == (0, "")
    expected = files.rendered("production")
    for name, tag in TAGS.items():
        expected = expected.replace(f"{name}:{tag}\n", f"{name}@{DIGEST}\n")
    assert list(yaml.safe_load_all(done.stdout)) == list(yaml.safe_load_all(expected))
    assert "namespace: taxi-production\n" in done.stdout


def test_production_is_not_printed_with_tags() -> None:
    done = run_target("OVERLAY=production", f"IMAGES=tensorflow/serving@{DIGEST}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Received: registry.example.com/taxi-gateway:1.0.0. Add IMAGES=" in done.stderr


def rendered_by(kubernetes: Path) -> list[Document]:
    kubectl = Path(sys.executable).with_name("kubectl")
    folder = kubernetes / "overlays" / "production"
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def test_an_overlay_can_have_a_roll_out_of_its_own(tmp_path: Path) -> None:
    (addition,) = re.findall(r"^```yaml\n(configMapGenerator:\n.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    deploy = tmp_path / "deploy"
    shutil.copytree(DEPLOY, deploy)
    overlay = deploy / "kubernetes" / "overlays" / "production"
    with (overlay / "kustomization.yaml").open("a") as file:
        file.write(addition)
    (overlay / "models.config").write_text("model_config_list {}\n")
    (overlay / "traffic.json").write_text('{"canary_percent": 10}\n')
    before, after = rendered_by(DEPLOY / "kubernetes"), rendered_by(deploy / "kubernetes")

    def maps(manifests: list[Document]) -> dict[str, Document]:
        found = [each for each in manifests if each["kind"] == "ConfigMap"]
        return {each["metadata"]["name"].rpartition("-")[0]: each for each in found}

    old, new = maps(before), maps(after)
    assert new["model-server-config"]["data"] == {
        **old["model-server-config"]["data"],
        "models.config": "model_config_list {}\n",
    }
    assert new["traffic"]["data"] == {"traffic.json": '{"canary_percent": 10}\n'}
    # Another name, so that the pods, which name it, are made anew.
    for name in ("model-server-config", "traffic"):
        assert new[name]["metadata"]["name"] != old[name]["metadata"]["name"]
        users = [each for each in after if each["kind"] == "Deployment" and new[name]["metadata"]["name"] in str(each)]
        assert len(users) == 1


def test_the_pages_job_finds_the_sidecar_that_verifies() -> None:
    """Its metrics have a port of their own, which the pod's annotation does not name."""
    (text,) = re.findall(r"^```yaml\n(scrape_configs:\n.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    (job,) = yaml.safe_load(text)["scrape_configs"]
    assert job["job_name"] in {each["job_name"] for each in files.prometheus()["scrape_configs"]}
    (discovery,), (kept,) = job["kubernetes_sd_configs"], job["relabel_configs"]
    assert discovery["namespaces"]["names"] == ["taxi-staging"]
    pod = files.pod("staging", "model-server")
    every = [port for each in pod["containers"] + pod["initContainers"] for port in each.get("ports", [])]
    (found,) = [port for port in every if port["name"] == kept["regex"]]
    assert f"--metrics-port={found['containerPort']}" in pod["initContainers"][0]["args"]


def test_images_can_be_pinned_by_digest(tmp_path: Path) -> None:
    deploy = tmp_path / "deploy"
    shutil.copytree(DEPLOY, deploy)
    path = deploy / "kubernetes" / "overlays" / "production" / "kustomization.yaml"
    document = yaml.safe_load(path.read_text())
    digest = "sha256:" + 64 * "0"
    for image in document["images"]:
        image["digest"] = digest
    path.write_text(yaml.safe_dump(document))
    images = [
        each["spec"]["template"]["spec"]["containers"][0]["image"]
        for each in rendered_by(deploy / "kubernetes")
        if each["kind"] == "Deployment"
    ]
    assert sorted(images) == [
        f"registry.example.com/taxi-gateway:1.0.0@{digest}",
        f"tensorflow/serving:2.21.0@{digest}",
    ]


def test_the_page_names_the_images_that_are_used() -> None:
    """Figures and names in prose, held by what they are about."""
    for overlay in OVERLAYS:
        assert files.container(overlay, "model-server")["image"] in PAGE
        assert files.container(overlay, "gateway")["image"] in PAGE
    for service, port in (("gateway", 8080), ("prometheus", 9090), ("grafana", 3000)):
        assert files.service(service)["ports"][0].startswith(f"127.0.0.1:{port}:")
        assert f"localhost:{port}" in PAGE
    for variable in re.findall(r"\$\{(\w+):", (DEPLOY / "compose.yaml").read_text()):
        assert variable in PAGE or variable == "USER"
