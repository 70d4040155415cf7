"""The layout of the lineage's picture."""

from pipelines.report import graph

LINKS = {("data", "examples"), ("examples", "transform"), ("transform", "trainer"), ("examples", "trainer"),
         ("trainer", "evaluator"), ("examples", "evaluator"), ("trainer", "gate"), ("evaluator", "pusher"),
         ("gate", "pusher"), ("examples", "statistics"), ("baseline", "evaluator")}  # fmt: skip
ORDER = ["data", "examples", "statistics", "transform", "trainer", "baseline", "gate", "evaluator", "pusher"]


def test_only_what_leads_there() -> None:
    assert ("examples", "statistics") not in graph.keep_paths_to("pusher", LINKS)
    assert graph.keep_paths_to("trainer", LINKS) == {
        ("data", "examples"), ("examples", "transform"), ("transform", "trainer"), ("examples", "trainer")
    }  # fmt: skip


def test_a_link_that_a_longer_way_stands_for_is_left_out() -> None:
    assert LINKS - graph.reduce_links(LINKS) == {("examples", "trainer"), ("examples", "evaluator")}


def test_every_link_leads_to_a_later_row_and_names_stand_as_late_as_they_can() -> None:
    links = graph.reduce_links(graph.keep_paths_to("pusher", LINKS))
    rows = graph.arrange_rows(links, ORDER, 2)
    assert rows == [["data"], ["examples"], ["transform"], ["trainer", "baseline"], ["gate", "evaluator"], ["pusher"]]


def test_a_row_holds_no_more_than_it_can() -> None:
    links = {(name, "end") for name in "abc"} | {("start", "c")}
    rows = graph.arrange_rows(links, ["start", *"abc", "end"], 2)
    assert rows[0] == ["start"]
    assert max(len(row) for row in rows) == 2
    place = {name: number for number, row in enumerate(rows) for name in row}
    assert all(place[source] < place[target] for source, target in links)
