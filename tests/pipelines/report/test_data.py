"""What the report says of how the rows were read."""

from pipelines.report.data import describe_rounding


def test_what_was_rounded() -> None:
    errors = '{"fare": 1e-08, "id": 0.0, "longitude": 1.12e-05, "latitude": 6.05e-06, "tips": 1.6e-08}'
    nodes = [{"id": "ExampleGen", "outputs": {"examples": {"properties": {"float32_errors": errors, "rows_train": 7}}}}]
    assert describe_rounding(nodes) == [("rounded to float32", "longitude 1e-05, latitude 6e-06, tips 2e-08")]


def test_nothing_to_say() -> None:
    properties = {"float32_errors": '{"fare": 0.0}'}
    assert describe_rounding([{"id": "ExampleGen", "outputs": {"examples": {"properties": properties}}}]) == []
    assert describe_rounding([{"id": "ExampleGen", "outputs": {"examples": {"properties": {}}}}]) == []
    assert describe_rounding([{"id": "ExampleGen", "outputs": {}}]) == []
    assert describe_rounding([]) == []
