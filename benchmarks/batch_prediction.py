"""Measure `python -m pipelines predict`: rows per second, seconds from start to end, and peak memory, by rows.

    python -m benchmarks.batch_prediction --var var --rows 300040 1200160

The rows are those of benchmarks.varied_trips; the model is the newest pushed version of the taxi task below --var.
Twice as many rows should take no more memory.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

from benchmarks.measured_process import measure
from benchmarks.varied_trips import write_trips

_ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Print a line for each number of rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--var", type=Path, default=Path("var"), metavar="DIR")
    parser.add_argument("--rows", type=int, nargs="+", default=[300_040], metavar="N")
    parser.add_argument("--engine", default="local")
    options = parser.parse_args()
    print("     rows    rows/s  start to end  peak memory")
    for rows in options.rows:
        with tempfile.TemporaryDirectory(prefix="batch-prediction-") as folder:
            data, log = Path(folder) / "trips.csv", Path(folder) / "log"
            write_trips(data, rows)
            command = [sys.executable, "-m", "pipelines", "predict", "--var", str(options.var.absolute())]
            command += ["--data", str(data), "--out", str(Path(folder) / "out.parquet"), "--engine", options.engine]
            run = measure(command, _ROOT, {}, log)
            (rate,) = re.findall(r"([\d,]+) rows/s", log.read_text())
            print(f"{rows:9,} {rate:>9}  {run.seconds:10.1f} s  {run.peak_mib:7,.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
