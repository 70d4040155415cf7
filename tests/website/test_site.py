"""The site builds strictly, holds every page, asks no other host, and is searched without a server."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.browser import Tab
from website import decisions
from website.hooks import GENERATED, PROJECT_PAGES

pytestmark = [pytest.mark.slow, pytest.mark.one_stack]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    built = build(ROOT / "mkdocs.yml", folder)
    assert built.returncode == 0, built.stderr
    return folder


def build(configuration: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Builds as CI does; with --quiet MkDocs would not count the warnings that a strict build ends with."""
    command = [sys.executable, "-m", "mkdocs", "build", "--config-file", str(configuration), "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def pages() -> set[str]:
    docs = ROOT / "docs"
    return {str(path.relative_to(docs)) for path in docs.rglob("*.md")} | {*GENERATED, *PROJECT_PAGES.values()}


def test_every_page_is_in_the_site_and_leads_to_the_next(site: Path) -> None:
    built = {str(path.relative_to(site).with_suffix(".md")) for path in site.rglob("*.html")} - {"404.md"}
    assert built == pages()
    tutorial = next(part["Tutorial"] for part in yaml.safe_load(_plain_yaml())["nav"] if "Tutorial" in part)
    names = [next(iter(page.values())).removeprefix("tutorial/") for page in tutorial]
    for page, following in itertools.pairwise(names):
        last = (ROOT / "docs" / "tutorial" / page).read_text().rstrip().splitlines()[-1]
        assert last.startswith("Next: "), page
        assert f"({following})" in last, page


def _plain_yaml() -> str:
    return (ROOT / "mkdocs.yml").read_text()


def test_a_page_outside_the_navigation_ends_the_build(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "index.md").write_text("# Home\n\n[gone](gone.md) [nowhere](#nowhere)\n")
    (docs / "stray.md").write_text("# Stray\n")
    settings = yaml.safe_load(_plain_yaml())
    kept = {key: settings[key] for key in ("site_name", "strict", "validation")}
    (tmp_path / "mkdocs.yml").write_text(yaml.safe_dump(kept | {"nav": [{"Home": "index.md"}]}))
    built = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert built.returncode == 1
    assert "stray.md" in built.stderr
    assert "gone.md" in built.stderr
    assert "#nowhere" in built.stderr


def test_no_page_asks_another_host(site: Path, tab: Tab) -> None:
    for page in ("index", "reference/python", "how-to/alerts"):
        tab.page.goto((site / f"{page}.html").as_uri())
    assert [url for url in tab.requests if not url.startswith("file://")] == []
    assert (tab.console_errors, tab.page_errors) == ([], [])


def test_the_search_works_on_files(site: Path, tab: Tab) -> None:
    tab.page.goto((site / "index.html").as_uri())
    box = tab.page.locator("input.md-search__input")
    box.click()
    box.press_sequentially("bettergate")
    tab.page.locator(".md-search-result__item a", has_text="BetterGate").first.wait_for()
    assert [url for url in tab.requests if not url.startswith("file://")] == []


def test_the_button_beside_a_transcript_copies_its_commands_only(site: Path, tab: Tab) -> None:
    tab.page.goto((site / "tutorial" / "first-edit.html").as_uri())
    copied = tab.page.locator("pre code", has_text="sed -i").first.evaluate(
        "code => { code.toggleAttribute('data-md-copying'); return code.innerText; }"  # as the button does
    )
    assert [line.split()[:2] for line in copied.splitlines() if line] == [["sed", "-i.bak"], ["make", "run-local"]]


def test_names_and_drawings_can_be_read_on_a_phone(site: Path, tab: Tab) -> None:
    tab.page.set_viewport_size({"width": 390, "height": 844})
    for page in ("reference/tasks", "reference/configuration"):
        tab.page.goto((site / f"{page}.html").as_uri())
        lines = tab.page.locator("td:first-child code").evaluate_all("all => all.map(c => c.getClientRects().length)")
        assert set(lines) == {1}, page
    tab.page.goto((site / "index.html").as_uri())
    drawing = tab.page.locator("img[src$='flow.svg']").bounding_box()
    assert drawing is not None
    assert drawing["width"] * 13 / 950 > 11, "pixels of its text, which has 13 of 950 units"


def test_the_button_to_copy_is_not_on_top_of_a_transcript(site: Path, tab: Tab) -> None:
    for width in (390, 1280):
        tab.page.set_viewport_size({"width": width, "height": 844})
        tab.page.goto((site / "tutorial" / "your-own-data.html").as_uri())
        code = tab.page.locator("pre > code").first.bounding_box()
        button = tab.page.locator("pre button, .md-code__nav").first.bounding_box()
        assert code is not None
        assert button is not None
        assert button["x"] >= code["x"] + code["width"], width


def test_the_decisions_are_listed_in_groups(site: Path, tab: Tab) -> None:
    tab.page.set_viewport_size({"width": 1280, "height": 844})
    tab.page.goto((site / "decisions" / "index.html").as_uri())
    shown = [
        one for one in tab.page.locator(".md-sidebar--primary label, .md-sidebar--primary a").all() if one.is_visible()
    ]
    assert len(shown) < 20
    assert tab.page.locator(".md-sidebar--primary a[href^='00']").count() == len(decisions.files(ROOT))


def test_no_page_is_wider_than_a_phone(site: Path, tab: Tab) -> None:
    tab.page.set_viewport_size({"width": 390, "height": 844})
    for page in ("index", "tutorial/first-run", "how-to/deploy", "reference/configuration", "explanation/architecture"):
        tab.page.goto((site / f"{page}.html").as_uri())
        assert tab.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page
