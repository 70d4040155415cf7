"""cloud.toml: what it says, what is missing, and what each mistake is answered with."""

import dataclasses
from pathlib import Path

import pytest

from pipelines.cloud_settings import (
    EXAMPLE,
    CloudSettings,
    CloudSettingsError,
    DataflowSettings,
    NodeResources,
    read_cloud_settings,
    read_dataflow_engine,
)
from pipelines.engines.errors import EngineError
from pipelines.options import RunOptions
from pipelines.resolution import resolve
from tests.tasks.diabetes.task import TASK

LEAST = (
    'project = "my-project-123"\nregion = "europe-west1"\nbucket = "gs://my-bucket"\nimage = "host/pipeline@sha256:0"\n'
)


def write(folder: Path, text: str) -> Path:
    file = folder / "cloud.toml"
    file.write_text(text)
    return file


def test_the_example_can_be_read() -> None:
    found = read_cloud_settings(EXAMPLE)
    assert found.nodes["Trainer"] == NodeResources(cpu=8, memory_gib=32)
    assert found.labels == {"team": "pricing"}
    assert found.engine("taxi") is None


def test_everything_that_the_example_names_in_comments_can_be_said(tmp_path: Path) -> None:
    lines = [
        line.removeprefix("# ") if " = " in line or line == "# [dataflow]" else line
        for line in EXAMPLE.read_text().splitlines()
    ]
    found = read_cloud_settings(write(tmp_path, "\n".join(lines)))
    assert found.nodes["Trainer"] == NodeResources(cpu=8, memory_gib=32, accelerator="NVIDIA_L4", accelerators=1)
    assert found.dataflow == DataflowSettings(
        machine_type="n2-standard-4",
        max_workers=10,
        disk_gib=50,
        subnetwork="regions/europe-west1/subnetworks/default",
        use_public_ips=False,
    )
    assert {field.name for field in dataclasses.fields(CloudSettings)} == {
        name for name in vars(found) if getattr(found, name) is not None
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected project, region, bucket, image, received no such key; add it"),
        (LEAST + 'zone = "a"', "unknown key 'zone'"),
        (
            LEAST.replace("gs://my-bucket", "/data"),
            "bucket: expected a bucket such as gs://my-bucket, without a folder",
        ),
        (LEAST.replace("host/pipeline@sha256:0", "pipeline"), "image: expected an image that Vertex AI can pull"),
        (LEAST + 'network = "default"', "network: expected projects/<number>/global/networks/<name>"),
        (LEAST + 'service_account = "me"', "service_account: expected an e-mail address, received 'me'"),
        (LEAST + "[nodes.Trainer]\ncpu = 0", "nodes.Trainer: cpu: expected more than 0, received 0"),
        (
            LEAST + '[nodes.Trainer]\naccelerator = "l4"',
            "accelerator: expected a type such as NVIDIA_L4, received 'l4'",
        ),
        (LEAST + '[labels]\n2nd = "a"', "labels: expected keys of small letters, digits, - and _, a letter first"),
        (LEAST + '[labels]\nteam = "A B"', "labels.team: expected small letters, digits, - and _, received 'A B'"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, message: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(CloudSettingsError) as raised:
        read_cloud_settings(file)
    assert message in str(raised.value)
    assert str(raised.value).startswith(str(file))


def test_without_a_file_it_says_what_to_copy(tmp_path: Path) -> None:
    with pytest.raises(CloudSettingsError, match=r"cloud.toml: no such file. Expected the project, .* Copy pipelines/"):
        read_cloud_settings(tmp_path / "cloud.toml")


def test_dataflow_has_its_folders_in_the_bucket_and_the_file_s_image_and_key(tmp_path: Path) -> None:
    network = 'network = "projects/12/global/networks/inner"\n'
    key = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k"
    text = f'{LEAST}{network}kms_key = "{key}"\n[dataflow]\nmax_workers = 3\n'
    engine = read_dataflow_engine(write(tmp_path, text), "taxi")
    assert engine.kms_key == key
    assert (engine.temp_location, engine.staging_location) == (
        "gs://my-bucket/dataflow/temp",
        "gs://my-bucket/dataflow/staging",
    )
    assert (engine.sdk_container_image, engine.network, engine.max_workers) == ("host/pipeline@sha256:0", "inner", 3)
    assert engine.labels == (("pipeline", "taxi"),)
    labelled = read_dataflow_engine(
        write(tmp_path, f'{LEAST}[labels]\nyear = "2026"\npipeline = "mine"\n[dataflow]\n'), "taxi"
    )
    assert labelled.labels == (("pipeline", "mine"), ("year", "2026"))  # Each once, as the job has them.


def test_a_run_on_this_machine_s_disk_is_refused_after_the_settings_are_there(tmp_path: Path) -> None:
    def run(text: str) -> None:
        resolve(RunOptions(var=tmp_path, engine="dataflow", cloud=write(tmp_path, text)), TASK)

    with pytest.raises(EngineError, match="expected project, region, bucket, image, received no such key"):
        run("")
    with pytest.raises(EngineError, match=r"expected a table \[dataflow\], received none"):
        run(LEAST)
    with pytest.raises(EngineError, match=f"cannot read {tmp_path}/artifacts: expected artifacts below gs:"):
        run(LEAST + "[dataflow]\n")
