"""Plot seconds and peak memory of cold runs over the number of rows, for our taxi task and TFX's taxi example.

    python -m benchmarks.growth --results var/bench --out docs/figures/growth.svg

It reads every `local_run_<rows>.json` that `make bench ROWS=...` wrote. Both axes are logarithmic: a line
that rises by one decade per decade means that twice the rows cost twice as much. It prints the bytes of memory that one
more row costs in each node, between the two largest results.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

from benchmarks.local_run import COLD, UPSTREAM

_NAMES = {COLD: "ours, cold, all gates", UPSTREAM: "upstream's example"}
_SIDE = 300  # pixels; width and height of each plot


def main() -> int:
    """Plot the curve; return 0, or 1 with a message if there is nothing to plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("var/bench"), metavar="DIR")
    parser.add_argument("--out", type=Path, default=Path("docs/figures/growth.svg"), metavar="FILE")
    options = parser.parse_args()
    files = sorted(options.results.glob("local_run_*.json"))
    if not files:
        print(f"no local_run_*.json in {options.results}: run `make bench ROWS=300040` first", file=sys.stderr)
        return 1
    results = sorted((json.loads(file.read_text()) for file in files), key=lambda result: int(result["rows"]))
    plot_growth(read_growth(results)).save(str(options.out))
    if len(by_row := memory_by_row(results)):
        print(by_row.to_string(index=False))
    return 0


def read_growth(results: list[dict[str, Any]]) -> pd.DataFrame:
    """Make a table of the cold runs, with columns run, rows, seconds and peak MiB.

    Args:
        results: the files of benchmarks.local_run.

    Returns:
        One row for each file and program.
    """
    return pd.DataFrame(
        [
            {"run": name, "rows": result["rows"], "seconds": run["seconds"], "peak MiB": run["peak_mib"]}
            for result in sorted(results, key=lambda result: int(result["rows"]))
            for measured, name in _NAMES.items()
            if (run := result["runs"].get(measured))
        ]
    )


def memory_by_row(results: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the memory that one more row costs in each node, the largest first.

    Args:
        results: what benchmarks.local_run wrote, fewest rows first. The slope is taken between the two largest: with
            few rows, most of a node's memory is buffers that do not grow with the rows.

    Returns:
        Columns node, from_rows, to_rows and bytes_a_row; empty if fewer than two sizes were measured.
    """
    columns = ["node", "from_rows", "to_rows", "bytes_a_row"]
    measured = [(int(one["rows"]), one["runs"].get(COLD, {}).get("node_mib", {})) for one in results]
    pairs = [(rows, nodes) for rows, nodes in measured if nodes][-2:]
    if len(pairs) < 2:
        return pd.DataFrame(columns=columns)
    (few, before), (many, after) = pairs
    found = [
        (node, few, many, round((after[node] - before[node]) * 2**20 / (many - few)))
        for node in after.keys() & before.keys()
    ]
    return pd.DataFrame(found, columns=columns).sort_values(["bytes_a_row", "node"], ascending=[False, True])


def plot_growth(table: pd.DataFrame) -> alt.HConcatChart:
    """Plot seconds and memory over rows, side by side."""
    scale = alt.Scale(type="log", nice=False)
    rows = alt.X("rows:Q", scale=scale, axis=alt.Axis(values=sorted(table["rows"].unique()), format=","))
    plots = [
        alt.Chart(table)
        .mark_line(point=True)
        .encode(x=rows, y=alt.Y(f"{what}:Q", scale=alt.Scale(type="log")), color=alt.Color("run:N", title=None))
        .properties(width=_SIDE, height=_SIDE)
        for what in ("seconds", "peak MiB")
    ]
    return alt.hconcat(*plots).configure_legend(orient="bottom", labelLimit=0, columnPadding=24)


if __name__ == "__main__":
    sys.exit(main())
