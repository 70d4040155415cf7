"""What a person reads if a program that fetches Flink is not there."""

import pytest

from environment.flink import packages


@pytest.mark.parametrize(
    ("program", "remedy"),
    [("mvn", r"install Maven \(Debian: maven\)"), ("uv", "run `make setup`, which installs it")],
)
def test_a_missing_program_is_named_with_its_own_remedy(
    program: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(packages.PackageError, match=rf"{program}: expected it on PATH to fetch Flink, .*{remedy}"):
        packages._run(program, "--version")
