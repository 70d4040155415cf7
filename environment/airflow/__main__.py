"""Start Airflow on the loopback address, and print its URL: `python -m environment.airflow`.

It installs Airflow if it is missing, in `.venv-airflow`, from `uv.lock` in this folder. It runs until Ctrl-C, and
writes below `--folder` only. Exit status 0: stopped. 2: it could not be installed or started.
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
    """Install Airflow if it is missing.

    Returns:
        The folder of its commands.

    Raises:
        InstallError: uv could not install it.
        FetchError: uv is missing, and could not be fetched.
    """
    return own_environment.install("airflow", FOLDER) / "bin"


def main() -> int:
    """Start Airflow and return the exit status."""
    options = parse_options()
    # Make `kill` work as Ctrl-C, which a shell's background jobs ignore.
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
                "PIPELINES_PYTHON": os.path.abspath(options.python),  # not the link's target, which has no packages
                "PIPELINES_SCHEDULE": options.schedule,
                "PIPELINES_SPANS": str(options.spans.absolute()) if options.spans else "",
                "PIPELINES_LOOK": options.look,
            },
        )
        with server.started():
            print(f"Airflow: {server.address}  Stop it with Ctrl-C; its log: {server.log}", flush=True)
            server.wait()
    except KeyboardInterrupt:
        pass
    except (own_environment.InstallError, uv.FetchError, StartError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def parse_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; exit with status 2 on a usage error."""
    parser = argparse.ArgumentParser(prog="python -m environment.airflow", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("var/airflow"), help="Airflow's database and logs")
    parser.add_argument("--graphs", type=Path, required=True, help="the folder of the graph files")
    parser.add_argument("--python", default=sys.executable, help="the project's Python, which runs the tasks")
    parser.add_argument(
        "--schedule", default="", help="when runs begin: spans, continuous, or a cron expression; by hand if left out"
    )
    parser.add_argument("--spans", type=Path, help="a folder in which spans arrive (FROM)")
    parser.add_argument(
        "--look", default="", help="a cron expression: when to look into that folder; by hand if left out (LOOK)"
    )
    parser.add_argument("--port", type=int, default=8080)
    options = parser.parse_args(arguments)
    # Otherwise Airflow would start, and wait forever for events that never come.
    if (options.schedule in ("spans", "continuous") or options.look) and options.spans is None:
        parser.error("--spans (FROM): expected the folder in which spans arrive, received none")
    if options.schedule == "continuous" and not options.look:
        parser.error("--look (LOOK): expected a cron expression such as '0 * * * *', received nothing")
    return options


if __name__ == "__main__":
    sys.exit(main())
