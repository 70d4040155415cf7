"""Prose cannot rot: what the docs name has to be there."""

import re
from pathlib import Path

import pytest

from website.hooks import GENERATED

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("data/*.md")])
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
MAKE = re.compile(r"(?:^|`)make ([a-z-]+)", re.MULTILINE)
CODE_PATH = re.compile(r"`((?:benchmarks|components|data|docs|environment|pipelines|tests)/[\w./-]+)`")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_there_are_pages() -> None:
    assert {"README.md", "CONTRIBUTING.md", "docs/explanation/architecture.md", "data/README.md"} <= {
        name(page) for page in PAGES
    }


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    generated = {ROOT / "docs" / uri for uri in GENERATED}
    targets = [(page.parent / target).resolve() for target in LINK.findall(page.read_text())]
    assert [target for target in targets if not target.exists() and target not in generated] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_paths_in_code_marks_exist(page: Path) -> None:
    missing = [path for path in CODE_PATH.findall(page.read_text()) if not (ROOT / path).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_box_is_empty(page: Path) -> None:
    boxes = re.findall(r"^ *```(.*)\n((?:.*\n)*?) *```$", page.read_text(), re.MULTILINE)
    assert [language for language, text in boxes if not text.strip()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(MAKE.findall(page.read_text())) - targets == set()


def test_the_readme_is_one_page() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 80
    assert [line for line in lines if len(line) > 150] == []


def test_the_pages_that_say_how_good_and_how_fast_agree() -> None:
    """The figures are of runs that no test repeats; docs/explanation/performance.md says which."""
    said = [
        re.findall(
            r"^## How good, how fast\n\n(.*?)\n\n", page.read_text().replace("(docs/", "("), re.MULTILINE | re.DOTALL
        )
        for page in (ROOT / "README.md", ROOT / "docs" / "index.md")
    ]
    assert said[0] == said[1] != []
    assert "takes a third of the time" in said[0][0]
    performance = (ROOT / "docs" / "explanation" / "performance.md").read_text()
    (ratio,) = re.findall(
        r"^\| cold, 15,002 rows, against upstream's example \| [\d.]+ \| ([\d.]+) \|", performance, re.M
    )
    assert round(12 * float(ratio)) == 4  # to a twelfth


def test_the_readme_lists_every_node_in_order() -> None:
    from tests.runs.project import TAXI_NODES

    lines = (ROOT / "README.md").read_text().splitlines()
    shown = [line.split()[0] for line in lines if re.match(r"\w+ +ran +[\d.]+ s ", line)]
    assert shown == list(TAXI_NODES)


def test_the_architecture_lists_every_node_in_the_same_order() -> None:
    from tests.runs.project import TAXI_NODES

    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
    listed = re.findall(r"^\| (\w+)", page.split("| node | reads |")[1].split("\n\n")[0], re.MULTILINE)
    assert [name for name in listed if name in TAXI_NODES] == list(TAXI_NODES)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_page_counts_our_nodes(page: Path) -> None:
    """How many there are depends on the task; upstream's example has 9."""
    assert re.findall(r"(?i)\b(?:1[2-6]|twelve|thirteen|fourteen|fifteen) nodes\b", page.read_text()) == []


def test_metrics_that_pages_name_are_declared() -> None:
    declared = set(re.findall(r"^\| `(\w+)` \|", GENERATED["reference/metrics.md"](ROOT), re.MULTILINE))
    named = {
        (name(page), metric)
        for page in PAGES
        for metric in re.findall(r"`((?:gateway|traffic|tls)_[a-z_]+[a-z])(?:\{[^`]*)?`", page.read_text())
    }
    unknown = {(page, metric) for page, metric in named if re.sub(r"_(bucket|count|sum)$", "", metric) not in declared}
    assert unknown == set()


def test_decisions_are_numbered_and_dated() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [path.name[:4] for path in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    for path in decisions:
        head = path.read_text().splitlines()
        assert head[0].startswith(f"# {int(path.name[:4])}. "), path.name
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", head[2]), path.name


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_list_begins_after_a_blank_line(page: Path) -> None:
    """Without the blank line Python-Markdown, which builds the site, writes the list as running text."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    paragraphs = [paragraph.splitlines() for paragraph in text.split("\n\n")]
    item = re.compile(r"(?:[-*]|\d+\.) ")
    ran_in = [
        line
        for lines in paragraphs
        if lines and not lines[0].startswith(("#", "|", " ")) and not item.match(lines[0].lstrip())
        for line in lines[1:]
        if item.match(line)
    ]
    assert ran_in == []
