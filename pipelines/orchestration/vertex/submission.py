"""Sends a compiled job to Vertex AI, once or on a schedule, by google-cloud-aiplatform."""

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
    """Nothing was sent: something is missing."""


def find_credentials() -> Credentials:
    """Returns the application's default credentials.

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
    """Builds the request of a job; nothing is sent.

    Args:
        file: the compiled job.
        settings: project, region and labels.
        pipeline: its name, with which the job's id begins.
        credentials: with which it will be sent.
    """
    time = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    return aiplatform.PipelineJob(
        display_name=pipeline,
        template_path=str(file),
        job_id=f"{pipeline}-{time}",
        enable_caching=None,  # as each node of the compiled job says
        labels={"pipeline": pipeline, **settings.labels},
        encryption_spec_key_name=settings.kms_key,
        project=settings.project,
        location=settings.region,
        credentials=credentials,
    )


def upload(uploads: Mapping[Path, str], data: str, local_data: str) -> None:
    """Puts what a job needs into the bucket, once it has rows.

    Args:
        uploads: file -> URI.
        data: URI of the folder of the rows.
        local_data: a folder that they may be copied from, for the message.

    Raises:
        SubmissionError: There are no rows.
    """
    if not fileio.isdir(data):
        raise SubmissionError(
            f"{data}: no such folder. Expected the rows of the job in it. Copy them there, as by "
            f"`gcloud storage cp -r {local_data} {data.rpartition('/')[0]}/`, or name another by --data. "
            "Nothing was sent"
        )
    for file, uri in uploads.items():
        fileio.makedirs(uri.rpartition("/")[0])
        fileio.copy(str(file), uri, overwrite=True)


def submit(job: aiplatform.PipelineJob, settings: CloudSettings) -> str:
    """Sends a job, and returns the address of its page in the console."""
    job.submit(service_account=settings.service_account, network=settings.network)
    return f"{_console(settings)}/runs/{job.job_id}?project={settings.project}"


def schedule(job: aiplatform.PipelineJob, settings: CloudSettings, cron: str, credentials: Credentials) -> str:
    """Has a job submitted at the times of a cron expression, one at a time, and returns the schedules' page."""
    schedules = aiplatform.PipelineJobSchedule(
        pipeline_job=job,
        display_name=f"{job.job_id.rsplit('-', 2)[0]}, {cron}",
        credentials=credentials,
        project=settings.project,
        location=settings.region,
    )
    schedules.create(
        cron=cron,
        max_concurrent_run_count=1,  # each compares its model with the one pushed before
        service_account=settings.service_account,
        network=settings.network,
    )
    return f"{_console(settings)}/schedules?project={settings.project}"


def _console(settings: CloudSettings) -> str:
    return f"https://console.cloud.google.com/vertex-ai/locations/{settings.region}/pipelines"
