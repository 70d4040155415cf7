"""Make the figures of docs/figures/ from the results of runs; `make docs-figures`.

    python -m website.figures --var var [--airflow http://127.0.0.1:8081/dags/taxi/grid]

| figure | source |
|---|---|
| report.png | the top of the report of the newest run that pushed: `make run-local` |
| replay.png | the page of a replay: `make replay` |
| growth.svg | the results of `make bench` with several numbers of ROWS |
| airflow.png | a page of a running Airflow: `make airflow`; --airflow is its address |

flow.svg is drawn by hand. A figure without a source is not changed, and a line says so.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from environment import browser, doctor

FIGURES = Path(__file__).resolve().parents[1] / "docs" / "figures"
# Width and height of each picture in pixels.
_SIZES = {"report.png": (960, 750), "replay.png": (1080, 1330), "airflow.png": (1500, 820)}
_FLAGS = ("--disable-gpu", "--disable-quic")
_SETTLE = 1000  # milliseconds until plots are drawn


def main(arguments: list[str] | None = None) -> int:
    """Make the figures whose sources exist.

    Args:
        arguments: of the command line; None: those of this process.

    Returns:
        Exit status: 0 if a figure was made, else 1.
    """
    options = _parser().parse_args(arguments)
    report, replay = pushed_report(options.var), options.var / "replay" / "page.html"
    pages = {"airflow.png": options.airflow} if options.airflow else {}
    if report:
        pages["report.png"] = report.resolve().as_uri()
    else:
        print(f"report.png: left as it is; expected a pushed run in {options.var}/runs, which `make run-local` makes")
    if replay.is_file():
        pages["replay.png"] = replay.resolve().as_uri()
    else:
        print(f"replay.png: left as it is; expected {replay}, which `make replay` writes")
    made = [*_photograph(pages, options.out), *_draw_growth(options.var / "bench", options.out)]
    print("\n".join(f"{path}: made" for path in made))
    return 0 if made else 1


def pushed_report(var: Path) -> Path | None:
    """Return the report of the newest run that pushed a model, or None if there is none.

    Args:
        var: the folder of runs.
    """
    for summary in sorted(var.glob("runs/*/summary.json"), reverse=True):
        report = summary.with_name("report.html")
        if json.loads(summary.read_text(encoding="utf-8"))["status"] == "pushed" and report.is_file():
            return report
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--var", type=Path, default=Path("var"), metavar="DIR", help="the folder of runs")
    parser.add_argument("--out", type=Path, default=FIGURES, metavar="DIR", help="where the figures go")
    parser.add_argument("--airflow", metavar="URL", help="a page of a running Airflow to take a picture of")
    return parser


def _photograph(pages: dict[str, str], out: Path) -> list[Path]:
    """Take a picture of the top of each page with this machine's Chromium.

    Args:
        pages: figure -> URL.
        out: the folder of the figures.

    Returns:
        The figures.
    """
    if not pages:
        return []
    found = browser.find()
    if not found:
        sys.exit(f"The figures need {doctor.no_browser(doctor.packager())}")
    from playwright.sync_api import sync_playwright  # a development dependency

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, chromium_sandbox=False, args=_FLAGS)
        for name, url in pages.items():
            width, height = _SIZES[name]
            page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme="light")
            page.goto(url)
            page.wait_for_timeout(_SETTLE)
            page.screenshot(path=out / name)
        chromium.close()
    return [out / name for name in pages]


def _draw_growth(results: Path, out: Path) -> list[Path]:
    """Draw how time and memory grow with rows, if `make bench` left results."""
    if not list(results.glob("local_run_*.json")):
        print(f"growth.svg: left as it is; expected {results}/local_run_*.json, which `make bench ROWS=300040` writes")
        return []
    figure = out / "growth.svg"
    command = [sys.executable, "-m", "benchmarks.growth", "--results", str(results), "--out", str(figure)]
    subprocess.run(command, check=True)
    return [figure]


if __name__ == "__main__":
    sys.exit(main())
