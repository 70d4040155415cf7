"""Where the bars of the timeline lie."""

from pipelines.report.timeline import place_bars


def test_nodes_that_ran_at_the_same_time_overlap() -> None:
    nodes = [
        {"started": "2026-11-21T10:00:00.000+00:00", "seconds": 4.0},
        {"started": "2026-11-21T10:00:04.000+00:00", "seconds": 6.0},
        {"started": "2026-11-21T10:00:05.500+00:00", "seconds": 2.0},
        {"started": "", "seconds": 0.0},  # skipped
    ]
    assert place_bars(nodes) == [(0.0, 40.0), (40.0, 60.0), (55.0, 20.0), (0.0, 0.0)]


def test_bars_of_an_older_record_are_shares_of_the_longest() -> None:
    nodes = [{"started": "", "seconds": 4.0}, {"started": "", "seconds": 8.0}]
    assert place_bars(nodes) == [(0.0, 50.0), (0.0, 100.0)]


def test_no_node_ran() -> None:
    assert place_bars([]) == []
