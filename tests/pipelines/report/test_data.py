"""What the report says of how the rows were read."""

from pipelines.report.data import describe_reading


def test_what_was_not_read_and_what_was_rounded() -> None:
    errors = '{"fare": 1e-08, "id": 0.0, "longitude": 1.12e-05, "latitude": 6.05e-06, "tips": 1.6e-08}'
    properties = {"unread_files": '["notes.txt", "rows.xlsx"]', "float32_errors": errors, "rows_train": 7}
    nodes = [{"id": "ExampleGen", "outputs": {"examples": {"properties": properties}}}]
    assert describe_reading(nodes) == [
        ("not read", "notes.txt, rows.xlsx"),
        ("rounded to float32", "longitude 1e-05, latitude 6e-06, tips 2e-08"),
    ]


def test_nothing_to_say() -> None:
    properties = {"unread_files": "[]", "float32_errors": '{"fare": 0.0}'}
    assert describe_reading([{"id": "ExampleGen", "outputs": {"examples": {"properties": properties}}}]) == []
    assert describe_reading([{"id": "ExampleGen", "outputs": {"examples": {"properties": {}}}}]) == []
    assert describe_reading([{"id": "ExampleGen", "outputs": {}}]) == []
    assert describe_reading([]) == []
