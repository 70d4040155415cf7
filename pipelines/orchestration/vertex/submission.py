"""Send a compiled job to Vertex AI, once or on a schedule, with google-cloud-aiplatform."""

import datetime
from collections.abc import Mapping
from pathlib import Path

import google.auth
from google.auth.credentials import Credentials
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import aiplatform
from tfx.dsl.io import fileio

from pipelines.cloud_settings import CloudSettings

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


class SubmissionError(ValueError):
    """Credentials or rows are missing, and nothing was sent."""


def find_credentials() -> Credentials:
    """Return the application default credentials.

    Raises:
        SubmissionError: There are none.
    """
    try:
        credentials, _ = google.auth.default(scopes=_SCOPES)
    except DefaultCredentialsError as error:
        raise SubmissionError(
            "no credentials of Google Cloud: expected application default credentials, received none; run `gcloud auth "
            "application-default login`, or name a key file in GOOGLE_APPLICATION_CREDENTIALS. Nothing was sent"
        ) from error
    return credentials


def build_job(file: Path, settings: CloudSettings, pipeline: str, credentials: Credentials) -> aiplatform.PipelineJob:
    """Return the request of a job, without sending it.

    Args:
        file: the compiled job.
        settings: project, region and labels.
        pipeline: the pipeline's name, with which the job's id begins.
        credentials: to send it with.
    """
    time = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    return aiplatform.PipelineJob(
        display_name=pipeline,
        template_path=str(file),
        job_id=f"{pipeline}-{time}",
        enable_caching=None,  # keeps the setting of each node in the compiled job
        labels={"pipeline": pipeline, **settings.labels},
        encryption_spec_key_name=settings.kms_key,
        project=settings.project,
        location=settings.region,
        credentials=credentials,
    )


def upload(uploads: Mapping[Path, str], data: str, local_data: str) -> None:
    """Check that the bucket has the rows, and copy the other files of a job into it.

    Args:
        uploads: file -> URI.
        data: URI of the folder of the rows.
        local_data: local folder of the rows, for the message.

    Raises:
        SubmissionError: There is no folder of rows.
    """
    if not fileio.isdir(data):
        raise SubmissionError(
            f"{data}: no such folder. Expected the rows of the job in it. Copy them there, for example with "
            f"`gcloud storage cp -r {local_data} {data.rpartition('/')[0]}/`, or name another folder with --data. "
            "Nothing was sent"
        )
    for file, uri in uploads.items():
        fileio.makedirs(uri.rpartition("/")[0])
        fileio.copy(str(file), uri, overwrite=True)


def submit(job: aiplatform.PipelineJob, settings: CloudSettings) -> str:
    """Send a job, and return the URL of its page in the console."""
    job.submit(service_account=settings.service_account, network=settings.network)
    return f"{_console(settings)}/runs/{job.job_id}?project={settings.project}"


def schedule(job: aiplatform.PipelineJob, settings: CloudSettings, cron: str, credentials: Credentials) -> str:
    """Create a schedule that submits a job, one at a time, and return the URL of the console's page of schedules."""
    schedules = aiplatform.PipelineJobSchedule(
        pipeline_job=job,
        display_name=f"{job.job_id.rsplit('-', 2)[0]}, {cron}",
        credentials=credentials,
        project=settings.project,
        location=settings.region,
    )
    schedules.create(
        cron=cron,
        max_concurrent_run_count=1,  # each job compares its model with the one pushed before
        service_account=settings.service_account,
        network=settings.network,
    )
    return f"{_console(settings)}/schedules?project={settings.project}"


def _console(settings: CloudSettings) -> str:
    return f"https://console.cloud.google.com/vertex-ai/locations/{settings.region}/pipelines"
