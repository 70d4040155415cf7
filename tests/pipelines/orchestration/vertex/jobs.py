"""Jobs that tests compile, with a folder in place of the bucket where they are run."""

import shutil
from pathlib import Path

from pipelines.cloud_settings import CloudSettings, DataflowSettings, NodeResources
from pipelines.orchestration.vertex.job import Job, compile_job
from pipelines.orchestration.vertex.options import VertexOptions
from pipelines.task_definition.task import load_task
from tests.pipelines.orchestration.vertex.rehearsal import Rehearsal

SETTINGS = CloudSettings(
    project="my-project-123",
    region="europe-west1",
    bucket="gs://my-bucket",
    image="europe-west1-docker.pkg.dev/my-project-123/pipelines/pipeline@sha256:0",
    service_account="pipeline@my-project-123.iam.gserviceaccount.com",
    network="projects/12345/global/networks/inner",
    labels={"team": "pricing"},
    nodes={
        "default": NodeResources(cpu=4, memory_gib=16),
        "Trainer": NodeResources(cpu=8, memory_gib=32, accelerator="NVIDIA_L4", accelerators=2),
    },
    dataflow=DataflowSettings(max_workers=3),
)
HERE = CloudSettings(
    project=SETTINGS.project, region=SETTINGS.region, bucket=SETTINGS.bucket, image=SETTINGS.image
)  # Beam runs in the node


def rehearse(job: Job, name: str, *, hook: bool = True) -> Rehearsal:
    """A run of a job that was compiled for a folder; what `submit` uploads is there."""
    for file, uri in job.uploads.items():
        Path(uri).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, uri)
    return Rehearsal(job=job.spec, folder=Path(job.places.pipeline_root) / "12345" / name, hook=hook)


def compile_for(folder: Path, task: str, train_steps: int | None = None) -> Job:
    """Compiles a job whose bucket is a folder."""
    return compile_job(VertexOptions(task=task, var=folder / "var", train_steps=train_steps), HERE, root=str(folder))


def prepare(folder: Path, task: str) -> Path:
    """The task's rows in the place of the bucket's."""
    found = load_task(task)
    return found.prepare_data(folder / "data" / found.name)
