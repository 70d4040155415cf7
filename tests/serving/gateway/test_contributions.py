"""Contributions of fields, of probabilities whose parts are known."""

from typing import Any

import pytest

from serving.gateway.contributions import count_rows, make_questions

FIELDS = ("fare", "payment", "company")
BACKGROUND: list[dict[str, Any]] = [
    {"fare": 1.0, "payment": "Cash", "company": "a"},
    {"fare": 3.0, "payment": "Card", "company": None},
    {"fare": 5.0, "payment": "Cash"},
]
ROW: dict[str, Any] = {"fare": 7.0, "payment": "Card", "company": "b"}


def additive(row: dict[str, Any]) -> float:
    return 0.05 * row["fare"] + 0.3 * (row["payment"] == "Card")


def joint(row: dict[str, Any]) -> float:
    return 0.1 * row["fare"] * (row["payment"] == "Card")


@pytest.mark.parametrize("orders", [1, 3])
def test_a_sum_gives_each_field_its_own_part(orders: int) -> None:
    questions = make_questions(ROW, BACKGROUND, FIELDS, orders)
    found = questions.read([additive(row) for row in questions.rows])
    assert found.number == pytest.approx(0.65)
    assert found.base == pytest.approx(0.25)
    assert found.of_fields == {
        "fare": pytest.approx(0.05 * (7 - 3)), "payment": pytest.approx(0.3 * (1 - 1 / 3)), "company": pytest.approx(0)
    }  # fmt: skip


def test_fields_that_act_together_share_it_as_shapley_says() -> None:
    questions = make_questions(ROW, BACKGROUND, FIELDS, 1)
    found = questions.read([joint(row) for row in questions.rows])
    # Either order of the two, the other field without effect: fare alone, then payment, and the reverse.
    fare = ((0 + 0.6) / 2 + 0.4 + (0 + 0.2) / 2) / 3
    assert found.of_fields["fare"] == pytest.approx(fare)
    assert sum(found.of_fields.values()) == pytest.approx(found.number - found.base)


def test_only_fields_that_differ_are_asked_about() -> None:
    questions = make_questions(ROW, [dict(ROW), {**ROW, "fare": 1.0}, {**ROW, "fare": 1.0, "company": None}], FIELDS, 1)
    assert len(questions.rows) == 1 + 3 + 2 * (0 + 0 + 1)
    different = {"fare": 9.0, "payment": "Dispute", "company": "z"}
    assert len(make_questions(different, BACKGROUND, FIELDS, 2).rows) == count_rows(3, 3, 2)
    assert questions.read([additive(row) for row in questions.rows]).of_fields["payment"] == 0


def test_a_missing_value_is_as_a_field_left_out() -> None:
    questions = make_questions({"fare": 1.0, "payment": "Cash"}, BACKGROUND[:1], FIELDS, 1)
    assert [row.get("company") for row in questions.rows] == [None, "a"], "one field differs: nothing lies between"


def test_the_same_row_gets_the_same_questions() -> None:
    assert make_questions(ROW, BACKGROUND, FIELDS, 2) == make_questions(ROW, BACKGROUND, FIELDS, 2)
