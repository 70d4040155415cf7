"""What a user can ask of a run, and what cannot go together."""

from pathlib import Path

import pytest

from pipelines.config import ConfigError, TunerConfig
from pipelines.options import RunOptions


def test_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plain = RunOptions()
    assert (plain.var, plain.data, plain.push_to) == (tmp_path / "var", None, None)
    told = RunOptions(var=Path("v"), data=Path("rows.csv"), push_to=Path("production"))
    assert (told.var, told.data, told.push_to) == (tmp_path / "v", tmp_path / "rows.csv", tmp_path / "production")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train_steps": 0}, "train steps: expected 1 or more, received 0"),
        ({"infra": "podman"}, "infra: expected one of embedded, docker, received 'podman'"),
        (
            {"budget": TunerConfig(trials=3)},
            "--trials, --minutes: expected --tune with them, received none; give --tune, or leave them out",
        ),
        (
            {"tune": True, "require_review": True},
            "--require-review: expected the committed hyperparameters, received --tune, whose result no one has "
            "reviewed; commit the result, run, review that run, and run with --require-review",
        ),
    ],
)
def test_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        RunOptions(**options)
    assert str(error.value) == message


@pytest.mark.parametrize("option", ["var", "data", "push_to"])
def test_a_path_of_another_file_system_is_refused(option: str) -> None:
    name = option.replace("_", "-")
    with pytest.raises(ConfigError, match=f"^--{name}: expected a path of this machine, received gs://bucket/a; mount"):
        RunOptions(**{option: Path("gs://bucket/a")})
    assert RunOptions(**{option: Path("a:b/c")}).task == "taxi"


def test_a_search_may_have_a_budget() -> None:
    assert RunOptions(tune=True, budget=TunerConfig(trials=3)).budget == TunerConfig(trials=3, minutes=10.0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"spans": "last"}, "expected all, last:4"),
        ({"spans": "all", "data": Path("trips.csv")}, "--data, --spans: expected one of them, received both"),
        ({"evaluate_on": "newest"}, "--evaluate-on: expected --spans with it"),
        ({"spans": "all", "evaluate_on": "oldest"}, "expected one of chosen, newest"),
    ],
)
def test_spans_that_cannot_be_meant(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        RunOptions(**options)
