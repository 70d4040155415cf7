"""`submit vertex`: what it writes, what it says is missing, and what it sends; Google's client has a stand-in."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import google.auth
import pytest
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import aiplatform

from pipelines.cli.app import execute
from pipelines.orchestration.vertex import submission
from tests.pipelines.orchestration.vertex.jobs import SETTINGS

ROOT = Path(__file__).resolve().parents[4]
CLOUD = f"""
project = "{SETTINGS.project}"
region = "{SETTINGS.region}"
bucket = "{SETTINGS.bucket}"
image = "{SETTINGS.image}"
service_account = "{SETTINGS.service_account}"
network = "{SETTINGS.network}"
"""


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    (tmp_path / "cloud.toml").write_text(CLOUD)
    return [
        "submit",
        "vertex",
        "--task",
        "tests.tasks.diabetes",
        "--var",
        str(tmp_path),
        "--cloud",
        str(tmp_path / "cloud.toml"),
    ]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What goes to Google's services: there are credentials, rows, and a client that only takes notes."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def note(name: str) -> Any:
        return lambda self, **told: calls.append((name, told))

    monkeypatch.setattr(google.auth, "default", lambda scopes: (AnonymousCredentials(), None))
    monkeypatch.setattr(submission.fileio, "isdir", lambda uri: uri == "gs://my-bucket/data/diabetes")
    monkeypatch.setattr(submission.fileio, "makedirs", lambda uri: None)
    monkeypatch.setattr(submission.fileio, "copy", lambda file, uri, overwrite: calls.append(("upload", {"to": uri})))
    monkeypatch.setattr(aiplatform.PipelineJob, "submit", note("submit"))
    monkeypatch.setattr(aiplatform.PipelineJob, "wait", note("wait"))
    monkeypatch.setattr(aiplatform.PipelineJobSchedule, "create", note("schedule"))
    return calls


def test_compiling_needs_no_settings_and_says_what_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["submit", "vertex", "--compile-only", "--task", "tests.tasks.diabetes", "--var", "var"]
    assert execute(words) == 0
    said = capsys.readouterr().out
    file = tmp_path / "var" / "vertex" / "diabetes.json"
    assert f"{file}: 15 nodes" in said
    assert "there is no cloud.toml: compiling with pipelines/cloud.example.toml, as an example only" in said
    assert "next: copy the rows to gs://my-bucket/data/diabetes, then python -m pipelines submit vertex --task" in said
    assert json.loads(file.read_text())["pipelineSpec"]["pipelineInfo"]["name"] == "diabetes"


def test_a_place_that_cannot_be_written_is_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    var = tmp_path / "file" / "var"
    words = ["submit", "vertex", "--compile-only", "--task", "tests.tasks.diabetes", "--var", str(var)]
    assert execute(words) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: cannot write below {var}: ")
    assert line.endswith("; free or unlock it, or choose another folder with --var")


def test_it_uploads_sends_and_says_where_to_look(
    arguments: list[str], sent: list[tuple[str, dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(arguments) == 0
    assert [name for name, _ in sent] == ["upload", "submit"]
    assert sent[0][1]["to"].startswith("gs://my-bucket/contracts/diabetes/")
    assert sent[1][1] == {"service_account": SETTINGS.service_account, "network": SETTINGS.network}
    address = "submitted: https://console.cloud.google.com/vertex-ai/locations/europe-west1/pipelines/runs/diabetes-2"
    said = capsys.readouterr().out
    assert address in said
    assert "?project=my-project-123" in said


def test_it_waits(arguments: list[str], sent: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert execute([*arguments, "--wait"]) == 0
    assert [name for name, _ in sent][-1] == "wait"
    assert "succeeded; pushed versions are in gs://my-bucket/serving/diabetes" in capsys.readouterr().out


def test_a_job_that_failed_ends_with_1(
    arguments: list[str], sent: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(self: object) -> None:
        raise RuntimeError("Job failed with: AnomalyGate")

    monkeypatch.setattr(aiplatform.PipelineJob, "wait", fail)
    assert execute([*arguments, "--wait"]) == 1
    assert "Job failed with: AnomalyGate" in capsys.readouterr().err


def test_a_schedule_runs_one_job_at_a_time(
    arguments: list[str], sent: list[tuple[str, dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute([*arguments, "--schedule", "0 6 * * 1"]) == 0
    (schedule,) = [told for name, told in sent if name == "schedule"]
    assert (schedule["cron"], schedule["max_concurrent_run_count"]) == ("0 6 * * 1", 1)
    assert "scheduled: https://console.cloud.google.com/vertex-ai/" in capsys.readouterr().out


def test_without_settings_nothing_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert execute(["submit", "vertex", "--task", "tests.tasks.diabetes"]) == 2
    assert "cloud.toml: no such file. Expected the project, region, bucket and image" in capsys.readouterr().err
    (tmp_path / "cloud.toml").write_text('region = "europe-west1"\n')
    assert execute(["submit", "vertex", "--task", "tests.tasks.diabetes"]) == 2
    assert "cloud.toml: expected project, bucket, image, received no such key; add it" in capsys.readouterr().err
    (tmp_path / "cloud.toml").write_text(f"{CLOUD}[nodes.Trainr]\ncpu = 1\n")
    assert execute(["submit", "vertex", "--task", "tests.tasks.diabetes"]) == 2
    assert "nodes.Trainr: expected a node of this job" in capsys.readouterr().err
    assert sent == []


def test_without_credentials_nothing_is_sent(
    arguments: list[str], sent: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(scopes: object) -> None:
        raise DefaultCredentialsError("none")

    monkeypatch.setattr(google.auth, "default", refuse)
    assert execute(arguments) == 2
    assert "error: no credentials of Google Cloud: expected application default credentials" in capsys.readouterr().err
    assert sent == []


def test_without_rows_nothing_is_sent(
    arguments: list[str], sent: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute([*arguments, "--data", "gs://my-bucket/elsewhere"]) == 2
    assert "gs://my-bucket/elsewhere: no such folder. Expected the rows of the job in it" in capsys.readouterr().err
    assert sent == []


def test_help_and_mistakes_load_nothing_heavy() -> None:
    code = (
        "import sys; from pipelines.cli.app import execute; execute(['submit', 'vertex', '--help']);"
        "execute(['submit', 'vertex', '--data', 'here']);"
        "heavy = ('tfx', 'tensorflow', 'kfp', 'google.cloud.aiplatform', 'google.auth', 'numpy');"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "--data: expected a place that Vertex AI can reach" in done.stderr
