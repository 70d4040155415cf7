"""The steps of Flink's image (pipelines/deploy/flink.Dockerfile), in a folder: its bases may be out of reach."""

import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from environment.flink import packages
from tests.engines.test_worker_pool import SECONDS, listens
from tests.serving.running_server import free_ports

pytestmark = [pytest.mark.engine, pytest.mark.one_stack, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "pipelines" / "deploy"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The root of what the image would have, but for its base: of that, Flink's own jars."""
    text = (DEPLOY / "flink.Dockerfile").read_text().replace("\\\n", " ")
    (tmp_path / "build").mkdir()
    for name in ("pom.xml", "jars.sha256"):
        shutil.copy(ROOT / "environment" / "flink" / name, tmp_path / "build")
    for step in re.findall(r"^RUN (.+)$", text, flags=re.MULTILINE):
        command = step.replace("/build/", f"{tmp_path}/build/")
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path / "build", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    for jar in packages.fetch().flink:
        (tmp_path / "opt/flink/lib").mkdir(parents=True, exist_ok=True)
        (tmp_path / "opt/flink/lib" / jar.name).symlink_to(jar)
    for source, target in re.findall(r"^COPY --from=jars (\S+) (\S+)$", text, flags=re.MULTILINE):
        shutil.copytree(f"{tmp_path}{source}", f"{tmp_path}{target}", dirs_exist_ok=True)
    return tmp_path


def test_jars_are_on_flinks_class_path_as_in_the_cluster_that_tests_run(image: Path) -> None:
    there = {path.name for path in (image / "opt/flink/lib").iterdir()}
    fetched = packages.fetch()
    assert there == {jar.name for jar in [*fetched.flink, *fetched.beam]}
    beside = {path.name for path in (image / "opt/beam/flink").iterdir()}
    assert {jar.name for jar in fetched.job_server} == {name for name in there | beside if "flink-dist" not in name}


def test_the_job_server_starts(image: Path) -> None:
    script = (DEPLOY / "job-server").read_text().replace("/opt/", f"{image}/opt/")
    (image / "job-server").write_text(script)
    ports = dict(zip(("job", "artifact", "expansion"), free_ports(3), strict=True))
    options = [f"--{name}-port={port}" for name, port in ports.items()]
    options += ["--job-host=127.0.0.1", "--flink-master=127.0.0.1:1", f"--artifacts-dir={image}/artifacts"]
    with (image / "log").open("wb") as log:
        process = subprocess.Popen(["sh", image / "job-server", *options], stdout=log, stderr=log)
    try:
        end = time.monotonic() + SECONDS
        while not listens(ports["job"]):
            assert process.poll() is None, (image / "log").read_text()
            assert time.monotonic() < end, (image / "log").read_text()
            time.sleep(0.2)
    finally:
        process.kill()
        process.wait()
