"""models.config is read, changed and written without losing what a roll-out does not mean."""

import os
from pathlib import Path

import pytest

from serving.rollout.errors import PreconditionError
from serving.rollout.models_config import Assignment, ModelsConfig

TWO = """\
# Ours.

# Keep this.
model_config_list {
  config { name: "taxi" base_path: "/models/taxi" model_platform: "tensorflow" }
  # and this one stays as it is
  config { name: "other" base_path: "/models/other" version_labels { key: "stable" value: 3 } }
}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "models.config"
    found.write_text(TWO)
    return found


def test_reads_what_is_there(path: Path) -> None:
    config = ModelsConfig.read(path)
    assert config.model_name("taxi") == "taxi"
    assert config.base_path("taxi") == "/models/taxi"
    assert config.versions("taxi") is None
    assert config.labels("taxi") == {}
    assert config.labels("other") == {"stable": 3}


def test_assigning_changes_one_model_and_keeps_the_comments_at_the_top(path: Path) -> None:
    before = ModelsConfig.read(path)
    after = before.assigning("taxi", Assignment.trial(12, 9))
    assert after.versions("taxi") == {9, 12}
    assert after.labels("taxi") == {"stable": 12, "canary": 9}
    assert after.labels("other") == {"stable": 3}
    assert after.base_path("other") == "/models/other"
    assert after.text.startswith("# Ours.\n\n# Keep this.\nmodel_config_list {\n")
    assert before.versions("taxi") is None
    assert before.text == TWO


def test_assigning_replaces_what_was_assigned(path: Path) -> None:
    config = ModelsConfig.read(path).assigning("taxi", Assignment.trial(1, 2)).assigning("taxi", Assignment.only(2))
    assert config.versions("taxi") == {2}
    assert config.labels("taxi") == {"stable": 2, "canary": 2}


def test_what_is_written_is_read_again(path: Path) -> None:
    config = ModelsConfig.read(path).assigning("taxi", Assignment.trial(1, 2))
    config.write()
    again = ModelsConfig.read(path)
    assert again.message == config.message
    assert again.assigning("taxi", Assignment.trial(1, 2)).text == config.text


def test_writing_keeps_the_mode_and_leaves_nothing_beside(path: Path) -> None:
    path.chmod(0o640)
    ModelsConfig.read(path).assigning("taxi", Assignment.only(1)).write()
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(path.parent) == ["models.config"]


def test_a_full_disk_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    changed = ModelsConfig.read(path).assigning("taxi", Assignment.only(1))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        changed.write()
    assert path.read_text() == TWO
    assert os.listdir(path.parent) == ["models.config"]


def test_which_model(path: Path) -> None:
    config = ModelsConfig.read(path)
    with pytest.raises(PreconditionError, match=r"expected --model with one of taxi, other .* received none"):
        config.model_name(None)
    with pytest.raises(PreconditionError, match=r"expected --model with one of taxi, other .* received texi"):
        config.model_name("texi")
    only = ModelsConfig(path, 'model_config_list { config { name: "a" base_path: "/a" } }')
    assert only.model_name(None) == "a"


@pytest.mark.parametrize(("text", "message"), [
    ("model_config_list { config { nam: 'taxi' } }", "is not a models.config: .*no field named"),
    ("", "lists no models: .* received an empty file"),
    ('custom_model_config { type_url: "x/google.protobuf.Empty" }', "received custom_model_config"),
])  # fmt: skip
def test_what_is_no_models_config(path: Path, text: str, message: str) -> None:
    path.write_text(text)
    with pytest.raises(PreconditionError, match=message):
        ModelsConfig.read(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(PreconditionError, match=r"cannot be read: .*No such file.* name it with --model-config-file"):
        ModelsConfig.read(tmp_path / "models.config")
