"""What a run on Dataflow passes to Beam, held against Beam's own options."""

import dataclasses
from typing import Any

import pytest
from apache_beam.options import pipeline_options

from pipelines.engines.dataflow import DataflowEngine, require_remote_root
from pipelines.engines.errors import EngineError

ENGINE = DataflowEngine(
    project="my-project-123",
    region="europe-west1",
    temp_location="gs://my-bucket/temp",
    staging_location="gs://my-bucket/staging",
    sdk_container_image="europe-west1-docker.pkg.dev/my-project-123/pipelines/pipeline@sha256:0",
    machine_type="n2-standard-4",
    max_workers=7,
    disk_gib=50,
    service_account="pipeline@my-project-123.iam.gserviceaccount.com",
    network="default",
    subnetwork="regions/europe-west1/subnetworks/default",
    use_public_ips=False,
    kms_key="projects/my-project-123/locations/europe-west1/keyRings/ring/cryptoKeys/key",
    labels=(("pipeline", "taxi"), ("team", "pricing")),
)


def test_beam_knows_every_argument_by_the_meaning_that_the_record_gives_it() -> None:
    known = pipeline_options.PipelineOptions(list(ENGINE.beam_args()))
    cloud = known.view_as(pipeline_options.GoogleCloudOptions)
    assert (cloud.project, cloud.region) == (ENGINE.project, ENGINE.region)
    assert (cloud.temp_location, cloud.staging_location) == (ENGINE.temp_location, ENGINE.staging_location)
    assert cloud.dataflow_kms_key == ENGINE.kms_key
    assert (cloud.service_account_email, cloud.labels) == (ENGINE.service_account, ["pipeline=taxi", "team=pricing"])
    worker = known.view_as(pipeline_options.WorkerOptions)
    assert (worker.machine_type, worker.max_num_workers, worker.disk_size_gb) == ("n2-standard-4", 7, 50)
    assert (worker.network, worker.subnetwork, worker.use_public_ips) == (ENGINE.network, ENGINE.subnetwork, False)
    assert worker.sdk_container_image == ENGINE.sdk_container_image
    assert known.view_as(pipeline_options.SetupOptions).sdk_location == "container"
    assert known.view_as(pipeline_options.StandardOptions).runner == "DataflowRunner"


def test_what_the_record_does_not_say_is_left_to_dataflow() -> None:
    fields = ("project", "region", "temp_location", "staging_location", "sdk_container_image")
    least = DataflowEngine(**{name: getattr(ENGINE, name) for name in fields})
    names = {argument.partition("=")[0] for argument in least.beam_args()}
    assert names == {"--runner", "--sdk_location", "--tfxio_use_byte_size_batching", *(f"--{name}" for name in fields)}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"project": ""}, "Dataflow: project: expected the project's id, such as my-project-123, received ''"),
        ({"region": "Europe"}, "Dataflow: region: expected a region such as europe-west1, received 'Europe'"),
        ({"temp_location": "/tmp"}, "Dataflow: temp_location: expected a folder such as gs://my-bucket/dataflow"),
        ({"sdk_container_image": ""}, "Dataflow: image: expected the pipeline's image"),
        ({"max_workers": 0}, "Dataflow: max_workers: expected 1 or more, received 0"),
        ({"labels": (("Team", "a"),)}, "Dataflow: labels: expected keys of small letters"),
        ({"labels": (("team", "A"),)}, "Dataflow: labels.team: expected small letters, digits, - and _, received 'A'"),
        ({"kms_key": "key"}, "Dataflow: kms_key: expected projects/<project>/locations/<region>/keyRings/<ring>/"),
    ],
)
def test_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(EngineError) as raised:
        dataclasses.replace(ENGINE, **fields)
    assert str(raised.value).startswith(message)


def test_a_value_of_a_label_may_begin_with_a_digit() -> None:
    assert "--labels=quarter=2026q1" in dataclasses.replace(ENGINE, labels=(("quarter", "2026q1"),)).beam_args()


def test_artifacts_on_a_disk_are_refused() -> None:
    require_remote_root("gs://my-bucket/taxi")
    with pytest.raises(EngineError, match="other machines, and cannot read /home/me/var/artifacts"):
        require_remote_root("/home/me/var/artifacts")
