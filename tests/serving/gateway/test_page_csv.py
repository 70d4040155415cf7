"""A CSV file on the page: chosen or dropped, refused by line, or back with predictions."""

import csv
import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import FilePayload, expect

from tests.browser import Tab
from tests.serving.gateway.conftest import Start
from tests.serving.gateway.scripted_model import ScriptedModel
from tests.serving.gateway.test_page import origin, quiet

pytestmark = pytest.mark.slow

Trip = dict[str, Any]
# Drops a file; whether the browser would open it in place of the page.
_DROP = """([text, name, selector]) => {
  const files = new DataTransfer();
  files.items.add(new File([text], name));
  const drop = (kind) => new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: files });
  return ["dragover", "drop"].some((kind) => document.querySelector(selector).dispatchEvent(drop(kind)));
}"""
# Drops text into a field; whether the browser would take it.
_DROP_TEXT = """() => {
  const text = new DataTransfer();
  text.setData("text/plain", "9.5");
  const drop = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: text });
  return document.querySelector("#field-fare").dispatchEvent(drop);
}"""


def written(rows: list[Trip]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def file(text: str | bytes, name: str = "trips.csv") -> FilePayload:
    content = text.encode() if isinstance(text, str) else text
    return {"name": name, "mimeType": "text/csv", "buffer": content}


def test_a_file_comes_back_with_predictions(
    client: httpx.Client, model: ScriptedModel, trip: Trip, tab: Tab, tmp_path: Path
) -> None:
    model.predict = lambda inputs: [[0.75 if fare > 10 else 0.25] for fare in inputs["fare"]]
    rows = [trip | {"fare": fare, "note": 'two\nlines, "quoted"'} for fare in range(1, 13)]
    rows[0]["note"] = "=1+1"
    page = tab.page
    page.goto(origin(client))
    page.locator("#csv-file").set_input_files(file(written(rows)))
    expect(page.locator("#csv-summary")).to_have_text(
        "12 rows predicted: 10 × No tip of more than 20%, 2 × Tip of more than 20%"
    )
    expect(page.locator("#csv-result")).to_be_focused()
    notes = page.locator("#csv-notes li").all_inner_texts()
    assert notes[0] == "No column, so missing in every row: pickup_census_tract."
    assert notes[1] == "Ignored and returned unchanged: note."
    assert notes[2].startswith("1 cell of the file begins as a formula.")
    preview = page.locator("#csv-preview")
    assert preview.locator("th").all_inner_texts()[:3] == [
        "predicted_probability",
        "predicted_decision",
        next(iter(trip)),
    ]
    assert preview.locator("tbody tr").count() == 10
    assert preview.locator("tbody tr").nth(1).locator("td").last.text_content() == 'two\nlines, "quoted"'
    expect(preview.locator("caption")).to_have_text("The first 10 rows; 2 more are in the file.")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download the file with predictions").click()
    assert downloading.value.suggested_filename == "trips-predicted.csv"
    downloading.value.save_as(tmp_path / "answer.csv")
    with (tmp_path / "answer.csv").open(newline="") as answer:
        found = list(csv.DictReader(answer))
    assert [row["predicted_probability"] for row in found] == ["0.25"] * 10 + ["0.75"] * 2
    assert [row["note"] for row in found] == [row["note"] for row in rows]
    quiet(tab, client)


def test_a_refused_file_is_mended_and_dropped_again(
    client: httpx.Client, model: ScriptedModel, trip: Trip, tab: Tab
) -> None:
    page = tab.page
    page.goto(origin(client))
    wrong = written([trip, trip | {"fare": "<b>ten</b>"}, trip | {"trip_miles": ""}])
    assert not page.evaluate(_DROP, [wrong, "trips.csv", "#csv .drop"])
    alert = page.locator("#csv-problem")
    expect(alert).to_be_focused()
    expect(alert).to_contain_text("Nothing was predicted. 2 things are not as expected:")
    assert alert.locator("tbody tr").all_inner_texts() == [
        '3\tfare\texpected a number from 0 to 1000, received "<b>ten</b>"',
        "4\ttrip_miles\texpected a number from 0 to 2000, received nothing",
    ]
    assert model.asked == []
    assert not page.evaluate(_DROP, [written([trip]), "trips.csv", "header"])  # missed
    assert page.evaluate(_DROP_TEXT)
    expect(alert).to_be_visible()
    assert not page.evaluate(_DROP, [written([trip]), "mended.csv", "#csv .drop"])
    assert page.locator("#csv-file").evaluate("input => input.files[0].name") == "mended.csv"
    expect(page.locator("#csv-summary")).to_have_text("1 row predicted: 1 × Tip of more than 20%")
    expect(alert).to_be_hidden()
    quiet(tab, client, refusals=1)


def test_what_cannot_be_read_is_told(start: Start, trip: Trip, tab: Tab) -> None:
    client = start({"limits.rows": 2, "limits.body_bytes": 2000})
    page = tab.page
    page.goto(origin(client))
    for sent, words in (
        (file(b"", "empty.csv"), "empty.csv: The file is empty"),
        (
            file(b"PK\x03\x04", "book.xlsx"),
            "book.xlsx: The file is not CSV: expected text in UTF-8, received a ZIP",
        ),
        (file("fare\nZürich".encode("cp1252")), "trips.csv: The file cannot be read: line 2, byte 2"),
        (file(written([trip] * 3)), "trips.csv: The file has too many rows: expected at most 2"),
        (file(b"a" * 2001), "trips.csv is too large: expected at most 2,000 bytes, received 2,001."),
        (file("fare,Trip_Miles\n1,2\n"), "trip_miles\texpected a column of this name, or no similar one (rename it)"),
    ):
        page.locator("#csv-file").set_input_files(sent)
        expect(page.locator("#csv-problem")).to_contain_text(words.split("\t")[-1])
    quiet(tab, client, refusals=5)  # one was not sent


def test_contents_cannot_pass_for_other_columns_or_html(client: httpx.Client, trip: Trip, tab: Tab) -> None:
    page = tab.page
    page.goto(origin(client))
    row = trip | {"model_version;request_id": "<img src=x onerror=alert(1)>", "<b>=1+1": "-5e-07"}
    del row["trip_start_hour"]  # follows from the time
    page.locator("#csv-file").set_input_files(file("sep=🚕\r\n" + written([row]).replace(",", "🚕")))
    expect(page.locator("#csv-preview th").last).to_have_text("<b>=1+1")
    assert page.locator("#csv-preview td").all_inner_texts()[-2:] == ["<img src=x onerror=alert(1)>", "-5e-07"]
    assert page.locator("#csv-notes li").all_inner_texts() == [
        "No column, so missing in every row: pickup_census_tract.",
        "Ignored and returned unchanged: model_version;request_id, <b>=1+1.",
    ]
    quiet(tab, client)


def test_a_newer_file_takes_the_place_of_one_on_its_way(start: Start, trip: Trip, tab: Tab) -> None:
    client = start({"limits.body_bytes": 2000})
    page = tab.page
    page.goto(origin(client))
    page.route("**/csv", lambda route: None)  # is never answered
    page.locator("#csv-file").set_input_files(file(written([trip])))
    expect(page.locator("#csv")).to_have_attribute("aria-busy", "true")
    page.locator("#csv-file").set_input_files(file(b"a" * 2001, "large.csv"))
    expect(page.locator("#csv-problem")).to_contain_text("large.csv is too large")
    assert page.locator("#csv").get_attribute("aria-busy") is None
    # A folder, or a file that is gone, cannot be made here.
    page.evaluate("() => { File.prototype.arrayBuffer = () => Promise.reject(new Error('Not found.')); }")
    page.locator("#csv-file").set_input_files(file("fare\n1\n"))
    expect(page.locator("#csv-problem")).to_contain_text(
        "trips.csv cannot be read: Not found. Expected a file, not a folder"
    )
