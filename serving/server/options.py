"""Parse the server's command line: the supported subset of TensorFlow Serving's flags, and --task."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from serving.file_lock import FileLockedError
from serving.server import local_models

DEFAULT_HOST = "127.0.0.1"


def parser() -> argparse.ArgumentParser:
    """Return the parser. Names and ports are those of TensorFlow Serving's container; --host is our own."""
    flags = argparse.ArgumentParser(
        prog="python -m serving server",
        description="Serve SavedModels over TensorFlow Serving's REST and gRPC API, where TensorFlow Serving itself "
        "is not available. Flags have the same names as there. A boolean takes true or false.",
        epilog="Exit status: 0 after SIGTERM or SIGINT, 2 when the server cannot start.",
        allow_abbrev=False,
    )
    flags.add_argument("--port", type=_port, default=8500, help="gRPC port; 0: none (default: %(default)s)")
    flags.add_argument("--rest_api_port", type=_port, default=8501, help="REST port; 0: none (default: %(default)s)")
    flags.add_argument("--host", default=DEFAULT_HOST, help="address that both ports bind (default: %(default)s)")
    flags.add_argument(
        "--rest_api_timeout_in_ms",
        type=_milliseconds,
        default=30_000,
        help="time limit of a REST request after its arrival; beyond it the answer is 504 (default: %(default)s)",
    )
    flags.add_argument(
        "--task",
        help="serve the models pushed for this task, and the other models in VAR/serving/models.config; a start writes "
        "that file, or adds the task to it",
    )
    flags.add_argument("--var", type=Path, default=Path("var"), help="folder that runs write to (default: %(default)s)")
    flags.add_argument("--model_name", default="default", help="the model's name, without --model_config_file")
    flags.add_argument("--model_base_path", help="the model's folder of versions")
    flags.add_argument(
        "--model_config_file", type=Path, help="a ModelServerConfig in text format, instead of the two flags above"
    )
    flags.add_argument(
        "--model_config_file_poll_wait_seconds",
        type=_seconds,
        default=0,
        help="seconds between reads of --model_config_file; 0: read it once (default: %(default)s)",
    )
    flags.add_argument(
        "--file_system_poll_wait_seconds",
        type=_seconds,
        default=1,
        help="seconds between searches for versions; 0: search once (default: %(default)s)",
    )
    flags.add_argument(
        "--max_num_load_retries",
        type=_count,
        default=5,
        help="retries of a version that failed to load (default: %(default)s)",
    )
    flags.add_argument(
        "--load_retry_interval_micros",
        type=_count,
        default=60_000_000,
        help="microseconds between these retries (default: %(default)s)",
    )
    flags.add_argument(
        "--verify_keys",
        type=Path,
        help="a public key, or a folder of them: load only versions signed by one of these keys; TensorFlow Serving "
        "has no such flag (default: load any version)",
    )
    _add_switch(
        flags,
        "--allow_version_labels_for_unavailable_models",
        "a new label may name a version that is not loaded yet",
        None,
    )
    _add_switch(flags, "--enable_batching", "run requests that arrive together as one batch")
    flags.add_argument("--batching_parameters_file", type=Path, help="BatchingParameters in text format")
    flags.add_argument("--monitoring_config_file", type=Path, help="a MonitoringConfig in text format")
    flags.add_argument(
        "--tracing_endpoint",
        help="URL of an OTLP/HTTP collector for traces of REST requests; TensorFlow Serving has no such flag",
    )
    flags.add_argument("--ssl_config_file", type=Path, help="TLS of the gRPC port: an SSLConfig in text format")
    # TensorFlow Serving has no TLS on its REST port, and takes PEM texts instead of files for gRPC: these flags are our
    # own.
    flags.add_argument("--tls_certificate_file", type=Path, help="TLS of both ports: PEM, read again when it changes")
    flags.add_argument("--tls_key_file", type=Path, help="that certificate's key: PEM, without a passphrase")
    flags.add_argument("--tls_client_ca_file", type=Path, help="PEM; require client certificates issued by this CA")
    return flags


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse a command line.

    Args:
        arguments: the command line after `python -m serving server`.

    Returns:
        The options, with everything filled in that --task implies.

    Raises:
        SystemExit: With status 2 after a message: an unknown flag, a bad value, or flags that exclude one another.
    """
    flags = parser()
    options = flags.parse_args(arguments)
    options.awaited_model = None  # the start waits for every model
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
    """Set the options that --task implies and no flag sets."""
    if not (options.model_config_file or options.model_base_path):
        from serving.server.errors import ServingError  # import late: --help needs no gRPC

        try:
            options.model_config_file = local_models.models_config(options.var / "serving", options.task)
        except OSError as error:
            flags.error(f"--var: expected a writable folder, received {error}")
        except (ServingError, FileLockedError, ValueError) as error:
            flags.error(f"--task: {error}")
        # The file may list tasks that were never pushed here: the start must not wait for them.
        options.awaited_model = options.task
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
