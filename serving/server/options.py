"""The command line: the supported subset of TensorFlow Serving's flags, and --task."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from serving.server import local_models

DEFAULT_HOST = "127.0.0.1"


def parser() -> argparse.ArgumentParser:
    """The flags, with TensorFlow Serving's names and its container's ports; --host is our own."""
    flags = argparse.ArgumentParser(
        prog="python -m serving server",
        description="Serves SavedModels over TensorFlow Serving's REST and gRPC API, where TensorFlow Serving itself "
        "cannot be had. Flags have its names, and a boolean takes true or false.",
        epilog="Ends with 0 after SIGTERM or SIGINT, 2 when it cannot start.",
        allow_abbrev=False,
    )
    flags.add_argument("--port", type=_port, default=8500, help="gRPC; 0: none (default: %(default)s)")
    flags.add_argument("--rest_api_port", type=_port, default=8501, help="REST; 0: none (default: %(default)s)")
    flags.add_argument("--host", default=DEFAULT_HOST, help="address that both ports bind (default: %(default)s)")
    flags.add_argument(
        "--rest_api_timeout_in_ms",
        type=_milliseconds,
        default=30_000,
        help="how long a REST request may take once it has arrived; then it is answered 504 (default: %(default)s)",
    )
    flags.add_argument(
        "--task",
        help="serve the models that runs pushed for this task: VAR/serving/models.config, which the first start writes",
    )
    flags.add_argument("--var", type=Path, default=Path("var"), help="where runs pushed them (default: %(default)s)")
    flags.add_argument("--model_name", default="default", help="of the one model, without --model_config_file")
    flags.add_argument("--model_base_path", help="its folder of versions")
    flags.add_argument(
        "--model_config_file", type=Path, help="a ModelServerConfig in text format, instead of those two"
    )
    flags.add_argument(
        "--model_config_file_poll_wait_seconds",
        type=_seconds,
        default=0,
        help="how often to read that file again; 0: never (default: %(default)s)",
    )
    flags.add_argument(
        "--file_system_poll_wait_seconds",
        type=_seconds,
        default=1,
        help="how often to look for versions; 0: once (default: %(default)s)",
    )
    flags.add_argument("--max_num_load_retries", type=_count, default=5, help="of a version (default: %(default)s)")
    flags.add_argument(
        "--load_retry_interval_micros", type=_count, default=60_000_000, help="between them (default: %(default)s)"
    )
    flags.add_argument(
        "--verify_keys",
        type=Path,
        help="a public key, or a folder of them: load only versions that one of these signed; our own, not "
        "TensorFlow Serving's (default: load any version)",
    )
    _add_switch(
        flags, "--allow_version_labels_for_unavailable_models", "a new label may name a version not loaded yet", None
    )
    _add_switch(flags, "--enable_batching", "run requests that arrive together as one batch")
    flags.add_argument("--batching_parameters_file", type=Path, help="BatchingParameters in text format")
    flags.add_argument("--monitoring_config_file", type=Path, help="a MonitoringConfig in text format")
    flags.add_argument(
        "--tracing_endpoint", help="a collector's URL for OTLP over HTTP, for traces of REST requests; our own flag"
    )
    flags.add_argument("--ssl_config_file", type=Path, help="of the gRPC port: an SSLConfig in text format")
    # TensorFlow Serving has no TLS on its REST port, and only texts, no files, for gRPC: these are our own.
    flags.add_argument("--tls_certificate_file", type=Path, help="of both ports, PEM, read again when it changes")
    flags.add_argument("--tls_key_file", type=Path, help="of that certificate, PEM, without a passphrase")
    flags.add_argument("--tls_client_ca_file", type=Path, help="PEM; clients need a certificate of this CA")
    return flags


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of a command line.

    Raises:
        SystemExit: With status 2 after a message: an unknown flag, a bad value, or flags that contradict one another.
    """
    flags = parser()
    options = flags.parse_args(arguments)
    if options.task:
        _serve_task(flags, options)
    options.allow_version_labels_for_unavailable_models = bool(options.allow_version_labels_for_unavailable_models)
    if bool(options.model_config_file) == bool(options.model_base_path):
        flags.error("expected one of --task, --model_base_path and --model_config_file, received several or none")
    if options.model_base_path and not Path(options.model_base_path).is_absolute():
        flags.error(f"--model_base_path: expected an absolute path, received {options.model_base_path}")
    if options.batching_parameters_file and not options.enable_batching:
        flags.error("--batching_parameters_file: expected --enable_batching with it")
    if not options.port and not options.rest_api_port:
        flags.error("--port and --rest_api_port: expected at least one that is not 0")
    if bool(options.tls_certificate_file) != bool(options.tls_key_file):
        flags.error("--tls_certificate_file and --tls_key_file: expected both or neither")
    if options.tls_client_ca_file and not options.tls_certificate_file:
        flags.error("--tls_client_ca_file: expected --tls_certificate_file and --tls_key_file with it")
    return options


def _serve_task(flags: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Fill in what --task stands for, where no flag says otherwise."""
    if not (options.model_config_file or options.model_base_path):
        try:
            options.model_config_file = local_models.models_config(options.var / "serving", options.task)
        except OSError as error:
            flags.error(f"--var: expected a folder that can be written, received {error}")
    options.monitoring_config_file = options.monitoring_config_file or local_models.MONITORING
    if options.allow_version_labels_for_unavailable_models is None:
        options.allow_version_labels_for_unavailable_models = True


def _add_switch(flags: argparse.ArgumentParser, name: str, help_text: str, default: bool | None = False) -> None:
    flags.add_argument(
        name,
        type=_switch,
        nargs="?",
        const=True,
        default=default,
        metavar="true|false",
        help=f"{help_text} (default: false)",
    )


def _switch(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise argparse.ArgumentTypeError(f"expected true or false, received {text}")
    return text.lower() in ("true", "1")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected 0 to 65535, received {text}")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number, 0 or more, received {text}")
    return int(text)


def _milliseconds(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a whole number of milliseconds above 0, received {text}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"expected seconds, 0 or more, received {text}")
    return seconds
