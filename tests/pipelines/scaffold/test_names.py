"""Names of tasks and columns: what is refused, what is changed, what stays."""

from pathlib import Path

import pytest

from pipelines.scaffold.errors import ScaffoldError
from pipelines.scaffold.names import check_task_name, make_column_names, make_feature_name

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", ["churn", "q3_2024", "x"])
def test_a_name_that_nothing_has(name: str) -> None:
    check_task_name(name, ROOT)


@pytest.mark.parametrize("name", ["", "2nd", "Churn", "my-task", "my task", "a.b", "../x", "class", "_x", "größe"])
def test_no_name_of_a_module(name: str) -> None:
    with pytest.raises(
        ScaffoldError, match=r"^the task's name becomes a module.* received '.*'. Choose another NAME.$"
    ):
        check_task_name(name, ROOT)


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("taxi", "pipelines/tasks/taxi, data/taxi.py, data/schema/taxi.pbtxt, serving/gateway/taxi.toml"),
        ("schema", "data/schema"),
        ("checked_copy", "data/checked_copy.py"),
    ],
)
def test_a_name_that_is_taken(name: str, there: str) -> None:
    with pytest.raises(ScaffoldError) as error:
        check_task_name(name, ROOT)
    assert str(error.value).startswith(there)
    assert "new-task overwrites nothing" in str(error.value)


@pytest.mark.parametrize(
    "place", ["pipelines/tasks/churn", "tests/pipelines/tasks/churn", "data/churn.md", "data/churn"]
)
def test_whatever_an_earlier_task_left_is_in_the_way(tmp_path: Path, place: str) -> None:
    (tmp_path / place).mkdir(parents=True)
    with pytest.raises(ScaffoldError, match=rf"^{place}: already exists"):
        check_task_name("churn", tmp_path)


def test_usable_headings_stay() -> None:
    headings = ["age", "Fare", "x2", "trip_miles"]
    assert make_column_names(headings) == dict(zip(headings, headings, strict=True))


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("sepal length (cm)", "sepal_length_cm"),
        ("2nd floor", "column_2nd_floor"),
        ("class", "class_"),
        ("self", "self_"),
        ("Größe", "Groe"),
        ("%", "column_1"),
        ("_hidden", "hidden"),
        ("preis/€", "preis"),
    ],
)
def test_other_headings_become_names(heading: str, name: str) -> None:
    assert make_column_names([heading]) == {heading: name}


def test_no_two_columns_get_one_name() -> None:
    names = make_column_names(["a b", "a-b", "a_b", "a_b_2"])
    assert names == {"a b": "a_b_3", "a-b": "a_b_4", "a_b": "a_b", "a_b_2": "a_b_2"}


def test_names_that_differ_in_case_only_are_renamed() -> None:
    assert make_column_names(["Age", "age", "AGE", "x"]) == {"Age": "Age", "age": "age_2", "AGE": "AGE_3", "x": "x"}
    assert make_column_names(["A b", "a_b"]) == {"A b": "A_b_2", "a_b": "a_b"}
    assert make_feature_name("fare", "scaled", {"fare", "Fare_Scaled"}) == "fare_scaled_2"


def test_what_the_request_log_adds_is_no_name_of_a_column() -> None:
    assert make_column_names(["request_id", "model_config"]) == {
        "request_id": "request_id_",
        "model_config": "model_config",
    }


def test_a_feature_is_called_like_no_column() -> None:
    assert make_feature_name("fare", "scaled", {"fare"}) == "fare_scaled"
    assert make_feature_name("fare", "scaled", {"fare", "fare_scaled"}) == "fare_scaled_2"
