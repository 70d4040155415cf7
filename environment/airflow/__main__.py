"""The command: `python -m environment.airflow` starts Airflow on the loopback address, and prints where.

It installs Airflow where it is missing, in `.venv-airflow` as `uv.lock` beside this file says. It runs until Ctrl-C,
and writes below `--folder` only. Exit status 0: stopped. 2: it could not be installed or started.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from environment import own_environment, uv
from environment.airflow.server import AirflowServer, StartError

FOLDER = Path(__file__).resolve().parent
PROJECT = FOLDER.parents[1]


def install() -> Path:
    """Install Airflow where it is missing, and return the folder of its commands.

    Raises:
        InstallError: uv could not install it.
        FetchError: There is no uv, and it could not be fetched.
    """
    return own_environment.install("airflow", FOLDER) / "bin"


def main() -> int:
    """Start Airflow and return the exit status."""
    options = parse_options()
    # `kill` ends it as Ctrl-C does, which a shell's background jobs ignore.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        server = AirflowServer(
            commands=install(),
            folder=options.folder.absolute(),
            project=PROJECT,
            port=options.port,
            settings={
                "PIPELINES_GRAPHS": str(options.graphs.absolute()),
                "PIPELINES_PROJECT": str(PROJECT),
                "PIPELINES_PYTHON": os.path.abspath(options.python),  # not what a link leads to: that has no packages
                "PIPELINES_SCHEDULE": options.schedule,
                "PIPELINES_SPANS": str(options.spans.absolute()) if options.spans else "",
                "PIPELINES_LOOK": options.look,
            },
        )
        with server.started():
            print(f"Airflow: {server.address}  Ctrl-C stops it; its log: {server.log}", flush=True)
            server.wait()
    except KeyboardInterrupt:
        pass
    except (own_environment.InstallError, uv.FetchError, StartError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def parse_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line, and end with status 2 where it asks for what cannot be."""
    parser = argparse.ArgumentParser(prog="python -m environment.airflow", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("var/airflow"), help="where Airflow writes")
    parser.add_argument("--graphs", type=Path, required=True, help="the folder of the graph files")
    parser.add_argument("--python", default=sys.executable, help="the project's Python, that the tasks run in")
    parser.add_argument(
        "--schedule", default="", help="when runs begin: spans, continuous, or a cron expression; by hand without"
    )
    parser.add_argument("--spans", type=Path, help="a folder in which spans arrive (FROM)")
    parser.add_argument(
        "--look", default="", help="a cron expression: when that folder is looked at; by hand without (LOOK)"
    )
    parser.add_argument("--port", type=int, default=8080)
    options = parser.parse_args(arguments)
    # Otherwise Airflow would start, and wait for ever for what nothing announces.
    if (options.schedule in ("spans", "continuous") or options.look) and options.spans is None:
        parser.error("--spans (FROM): expected the folder in which spans arrive, received none")
    if options.schedule == "continuous" and not options.look:
        parser.error("--look (LOOK): expected when the loop looks, such as '0 * * * *', received nothing")
    return options


if __name__ == "__main__":
    sys.exit(main())
