"""The command line."""

import argparse
import dataclasses
from pathlib import Path

from serving.rollout.comparison import VerdictLimits

_SERVER = "127.0.0.1:8500:8501"
_LIMIT_HELP = {
    "min_rows": "rows that both versions must have answered",
    "more_errors": "failed requests that the canary may have beyond the stable version's",
    "mean_difference": "mean difference of two predictions for the same row",
    "p95_difference": "difference that one row in twenty may exceed",
    "max_difference": "difference of any row",
    "changed_decisions": "share of rows, 0 to 1, whose decision changes",
    "latency_factor": "the canary's p95 latency may be the stable version's times this …",
    "latency_ms": "… plus this, in milliseconds",
}


def parser() -> argparse.ArgumentParser:
    """The parser of `python -m serving.rollout`."""
    described = argparse.ArgumentParser(
        prog="python -m serving.rollout",
        description="Rolls a model version out and back. Ends with 0 when it did what it says, 1 when something failed "
        "or the canary is worse (everything is put back then), 2 when it was asked for what cannot be.",
    )
    described.add_argument("--model-config-file", type=Path, default=Path("var/serving/models.config"), metavar="FILE",
                           help="the file that the servers were started with (default: %(default)s)")  # fmt: skip
    described.add_argument("--model", metavar="NAME", help="which model (default: the only one in the file)")
    described.add_argument("--server", type=_server, action="append", metavar="HOST:GRPC_PORT:REST_PORT",
                           help=f"a server; once for each that reads the file (default: {_SERVER})")  # fmt: skip
    described.add_argument("--versions-folder", type=Path, metavar="DIR",
                           help="the model's base_path, where this machine sees it under another path")  # fmt: skip
    described.add_argument("--signature", default="serving_raw", help="that requests name (default: %(default)s)")
    described.add_argument("--timeout", type=_positive, default=300.0, metavar="SECONDS",
                           help="for a version to load, and for each call (default: %(default)g)")  # fmt: skip
    described.add_argument("--drain", type=_not_negative, default=5.0, metavar="SECONDS",
                           help="how long a version outlives its labels (default: %(default)g)")  # fmt: skip
    commands = described.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("status", help="what is on disk, on the servers, in the file; the last steps")
    commands.add_parser("pin", help="keep the version that answers now; a push alone changes nothing from then on")
    canary = commands.add_parser("canary", help="try a version beside the stable one, with a share of the requests")
    canary.add_argument("version", type=int, metavar="VERSION")
    canary.add_argument("--percent", type=_percent, required=True, help="of the requests, 0 to 100")
    canary.add_argument("--compare", type=Path, metavar="REQUESTS", help="compare on these first; roll back if worse")
    _add_limits(canary)
    compare = commands.add_parser("compare", help="replay requests on both versions; 1 when the canary is worse")
    compare.add_argument("requests", type=Path, metavar="REQUESTS",
                         help="the gateway's request log, a Parquet file of it, or a file of JSON lines")  # fmt: skip
    compare.add_argument("--rollback-on-fail", action="store_true", help="end the trial when the canary is worse")
    _add_limits(compare)
    commands.add_parser("promote", help="make the canary the stable version")
    commands.add_parser("rollback", help="mend a killed step; or end the trial; or go back to the version before")
    commands.add_parser("reload", help="have the servers do what the file says, after an edit by hand")
    return described


def limits(parsed: argparse.Namespace) -> VerdictLimits:
    """The limits of the verdict."""
    return VerdictLimits(**{field.name: getattr(parsed, field.name) for field in dataclasses.fields(VerdictLimits)})


def _add_limits(command: argparse.ArgumentParser) -> None:
    command.add_argument("--limit", type=_positive_int, default=1000, metavar="N",
                         help="replay the newest N requests (default: %(default)s)")  # fmt: skip
    command.add_argument("--threshold", type=float, default=0.5,
                         help="a prediction from this on is a positive decision (default: %(default)s)")  # fmt: skip
    for field in dataclasses.fields(VerdictLimits):
        kind = _positive_int if field.name == "min_rows" else int if field.type is int else _not_negative
        command.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default, metavar="N",
                             help=f"{_LIMIT_HELP[field.name]} (default: %(default)s)")  # fmt: skip


def _server(text: str) -> tuple[str, int, int]:
    host, *ports = text.rsplit(":", 2)
    if not host or len(ports) != 2 or not all(port.isdecimal() and 0 < int(port) < 65536 for port in ports):
        raise argparse.ArgumentTypeError(f"expected HOST:GRPC_PORT:REST_PORT such as {_SERVER}, received {text!r}")
    return host, int(ports[0]), int(ports[1])


def default_server() -> tuple[str, int, int]:
    """Where a server listens when nothing else is said."""
    return _server(_SERVER)


def _number(text: str, low: float, high: float, expected: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not low <= number <= high:
        raise argparse.ArgumentTypeError(f"expected {expected}, received {text!r}")
    return number


def _percent(text: str) -> float:
    return _number(text, 0, 100, "a number from 0 to 100")


def _positive(text: str) -> float:
    return _number(text, 1e-9, 1e9, "a number above 0")


def _not_negative(text: str) -> float:
    return _number(text, 0, 1e9, "a number of at least 0")


def _positive_int(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, received {text!r}")
    return int(text)
