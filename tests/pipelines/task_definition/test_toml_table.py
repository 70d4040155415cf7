"""What is said of a TOML file that is not the record it should be."""

import dataclasses
from pathlib import Path
from typing import Literal

import pytest

from pipelines.task_definition.toml_table import TableError, read_toml


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wheel:
    spokes: int
    width: float | None = None

    def __post_init__(self) -> None:
        if self.spokes < 3:
            raise ValueError(f"spokes: expected 3 or more, received {self.spokes}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bicycle:
    name: str
    wheels: tuple[Wheel, ...]
    light: Wheel | None = None
    stolen: bool = False
    labels: dict[str, str] = dataclasses.field(default_factory=dict)


WHOLE = """
name = "red"
labels = { colour = "red" }

[[wheels]]
spokes = 36
width = 25

[[wheels]]
spokes = 28
width = 32.5
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "bicycle.toml"
    path.write_text(WHOLE)
    return path


def test_a_whole_file(path: Path) -> None:
    assert read_toml(path, Bicycle) == Bicycle(
        name="red", labels={"colour": "red"}, wheels=(Wheel(spokes=36, width=25.0), Wheel(spokes=28, width=32.5))
    )
    assert type(read_toml(path, Bicycle).wheels[0].width) is float


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "red"', "", "expected name, received no such key; add it"),
        ('name = "red"', "name = 3", "name: expected a text, received 3"),
        ("labels =", "label =", "unknown key 'label'; did you mean 'labels'?"),
        ("labels =", "zzz =", "unknown key 'zzz'; expected one of name, wheels, light, stolen, labels"),
        ('"red" }', "3 }", "labels.colour: expected a text, received 3"),
        ('{ colour = "red" }', "3", "labels: expected a table, received 3"),
        ('name = "red"', 'name = "red"\nstolen = 1', "stolen: expected true or false, received 1"),
        ('name = "red"', 'name = "red"\nlight = 1', "light: expected a table, received 1"),
        ("spokes = 28", 'spokes = "28"', "wheels 2: spokes: expected a whole number, received '28'"),
        ("spokes = 28", "spokes = true", "wheels 2: spokes: expected a whole number, received True"),
        ("spokes = 28", "spoke = 28", "wheels 2: unknown key 'spoke'; did you mean 'spokes'?"),
        ("spokes = 28", "spokes = 2", "wheels 2: spokes: expected 3 or more, received 2"),
        ("width = 25", 'width = "25"', "wheels 1: width: expected a number, received '25'"),
    ],
)
def test_a_mistake(path: Path, old: str, new: str, message: str) -> None:
    assert WHOLE.count(old) == 1
    path.write_text(WHOLE.replace(old, new))
    with pytest.raises(TableError) as error:
        read_toml(path, Bicycle)
    assert str(error.value) == f"{path}: {message}"


def test_one_table_where_several_may_stand(path: Path) -> None:
    path.write_text('name = "red"\n[wheels]\nspokes = 36\n')
    with pytest.raises(TableError) as error:
        read_toml(path, Bicycle)
    assert str(error.value) == f"{path}: wheels: expected a list, received {{'spokes': 36}}"


@pytest.mark.parametrize("content", [b"name = ", b"name = '\xff'"])
def test_no_toml(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(TableError, match="expected TOML, received something else: ") as error:
        read_toml(path, Bicycle)
    assert str(error.value).startswith(str(path))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Paint:
    colour: Literal["red", "blue"]
    since: str


def test_a_choice_of_values_and_a_date_that_stands_for_its_text(tmp_path: Path) -> None:
    path = tmp_path / "paint.toml"
    path.write_text('colour = "red"\nsince = 2026-11-21')
    assert read_toml(path, Paint) == Paint(colour="red", since="2026-11-21")
    path.write_text('colour = "green"\nsince = "today"')
    with pytest.raises(TableError) as error:
        read_toml(path, Paint)
    assert str(error.value) == f"{path}: colour: expected 'red' or 'blue', received 'green'"
