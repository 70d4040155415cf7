"""`python -m serving`: help without heavy imports, and what `server` and `gateway` make of --task and --var."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from serving import file_lock
from serving.cli.app import app
from serving.cli.usage import execute
from serving.gateway import process
from serving.rollout.model_service_pb2 import ModelServerConfig
from serving.rollout.models_config import ModelsConfig
from serving.rollout.rollout import LOCK
from serving.server import options

ROOT = Path(__file__).resolve().parents[3]
HEAVY = {"fastapi", "grpc", "httpx", "numpy", "pyarrow", "tensorflow"}


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["server", "--help"],
        ["gateway", "--help"],
        ["rollout", "canary", "--help"],
        ["feedback", "import", "--help"],
        ["clients", "--help"],
        ["verify", "--help"],
    ],
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys; from serving.cli.app import app; from serving.cli.usage import execute\n"
        f"try: status = execute(app, {words})\nexcept SystemExit as end: status = end.code\n"
        f"print(status, sorted({HEAVY} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == "0 []\n"
    assert "python -m serving" in done.stdout


def test_an_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(app, ["serve"]) == 2
    assert 'python -m serving: error: Unknown command "serve"' in capsys.readouterr().err


def test_the_first_start_writes_models_config_and_later_ones_keep_it(tmp_path: Path) -> None:
    parsed = options.parse(["--task", "diabetes", f"--var={tmp_path}"])
    path = tmp_path / "serving" / "models.config"
    assert parsed.model_config_file == path
    assert parsed.allow_version_labels_for_unavailable_models
    assert parsed.monitoring_config_file == ROOT / "serving/deploy/model_server/monitoring.config"
    text = path.read_text()
    assert f'base_path: "{tmp_path}/serving/diabetes"' in text
    assert text.count('name: "diabetes"') == 2
    assert '"taxi"' not in text
    path.write_text(f"# what a roll-out left\n{text}")
    options.parse(["--task", "diabetes", f"--var={tmp_path}"])
    assert path.read_text() == f"# what a roll-out left\n{text}"


def test_a_start_with_another_task_adds_it_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "serving" / "models.config"
    assert options.parse(["--task", "taxi", f"--var={tmp_path}"]).awaited_model == "taxi"
    edited = path.read_text().replace('name: "taxi"\n    base', 'name: "taxi"  # by hand\n    base')
    path.write_text(edited)
    assert options.parse(["--task", "rent", f"--var={tmp_path}"]).awaited_model == "rent"
    text = path.read_text()
    assert text.startswith(edited.rstrip().removesuffix("}").rstrip())
    models = text_format.Parse(text, ModelServerConfig()).model_config_list.config
    assert [(model.name, model.base_path) for model in models] == [
        ("taxi", f"{tmp_path}/serving/taxi"), ("rent", f"{tmp_path}/serving/rent"),
    ]  # fmt: skip
    options.parse(["--task", "rent", f"--var={tmp_path}"])
    assert path.read_text() == text
    path.write_text("# nothing\n")
    options.parse(["--task", "rent", f"--var={tmp_path}"])
    assert ModelsConfig.read(path).model_name(None) == "rent"


@pytest.mark.parametrize(("text", "message"), [
    ("custom_model_config { }", "does not list rent: expected a model_config_list with it, received no models; add"),
    ("model_config_list {", "Error parsing text-format tensorflow.serving.ModelServerConfig"),
])  # fmt: skip
def test_a_file_that_a_task_cannot_be_added_to_stays(
    tmp_path: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "serving").mkdir()
    path = tmp_path / "serving" / "models.config"
    path.write_text(text)
    with pytest.raises(SystemExit):
        options.parse(["--task", "rent", f"--var={tmp_path}"])
    assert message in capsys.readouterr().err
    assert path.read_text() == text


def test_a_task_is_not_added_during_a_roll_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options.parse(["--task", "taxi", f"--var={tmp_path}"])
    with file_lock.exclusive(tmp_path / "serving" / LOCK, "pin of taxi"), pytest.raises(SystemExit):
        options.parse(["--task", "rent", f"--var={tmp_path}"])
    assert "is locked by pin of taxi" in capsys.readouterr().err


@pytest.mark.parametrize(("flags", "message"), [
    (["--task=a", "--var=/proc/none"], "--var: expected a writable folder, received"),
])  # fmt: skip
def test_a_task_that_cannot_be_served(flags: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        execute(app, ["server", *flags])
    assert end.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("words", "file", "flags"), [
    ([], "serving/gateway/taxi.toml", {}),
    (["--task", "churn", "--var", "v"], "serving/gateway/churn.toml",
     {"traffic": "v/serving/traffic.json", "request_log.folder": "v/requests/churn",
      "feedback.folder": "v/feedback/churn"}),
    (["--settings", "mine.toml", "--host", "::1", "--port", "0", "--model-server", "http://a:1"], "mine.toml",
     {"listen.host": "::1", "listen.port": 0, "model.server": "http://a:1"}),
])  # fmt: skip
def test_settings_of_the_gateway(
    words: list[str], file: str, flags: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[tuple[Any, ...]] = []
    monkeypatch.setattr(process, "run", lambda *given, allow_no_keys: found.append((*given, allow_no_keys)) or 0)
    assert execute(app, ["gateway", *words]) == execute(app, ["gateway", *words, "--allow-no-keys"]) == 0
    assert [(given[1]("any"), given[2]) for given in found] == [(flags, False), (flags, True)]
    assert [ROOT / name for name in found[0][0]] == [ROOT / file]


def test_folders_of_several_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Any] = []
    monkeypatch.setattr(process, "run", lambda files, flags, allow_no_keys: found.extend([files, flags]) or 0)
    assert execute(app, ["gateway", "--settings", "a.toml", "--settings", "b.toml", "--var", "v"]) == 0
    assert found[0] == [Path("a.toml"), Path("b.toml")]
    assert [found[1](model)["request_log.folder"] for model in ("taxi", "iris")] == [
        "v/requests/taxi",
        "v/requests/iris",
    ]
