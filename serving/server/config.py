"""Read and check the configuration files of TensorFlow Serving."""

from pathlib import Path
from typing import TypeVar

from google.protobuf import message, text_format
from tensorflow_serving.config import model_server_config_pb2

from serving.server.config_messages_pb2 import BatchingParameters, MonitoringConfig, SSLConfig
from serving.server.errors import InvalidArgumentError

MONITORING_PATH = "/monitoring/prometheus/metrics"
PLATFORM = "tensorflow"
_DEFAULT_MAX_BATCH_SIZE = 1000  # TensorFlow's SharedBatchScheduler
_Proto = TypeVar("_Proto", bound=message.Message)


def single_model(name: str, base_path: str) -> model_server_config_pb2.ModelServerConfig:
    """Return the config that --model_name and --model_base_path imply: one model, its latest version."""
    config = model_server_config_pb2.ModelServerConfig()
    config.model_config_list.config.add(name=name, base_path=base_path, model_platform=PLATFORM)
    return config


def read_models(path: Path) -> model_server_config_pb2.ModelServerConfig:
    """Read --model_config_file.

    Args:
        path: the flag's value.

    Returns:
        The config, unchecked; `models_by_name` checks it.

    Raises:
        ServingError: The file is missing, or is not a ModelServerConfig in text format.
    """
    return _read(path, model_server_config_pb2.ModelServerConfig())


def model_names(path: Path) -> list[str]:
    """Return the names of the models that a --model_config_file lists, in its order.

    Args:
        path: the file.

    Returns:
        The names.

    Raises:
        ServingError: As `read_models`.
    """
    return [model.name for model in read_models(path).model_config_list.config]


def with_model(path: Path, name: str, base_path: str) -> str:
    """Return the text of a --model_config_file with one more model; everything else stays, comments included.

    Args:
        path: the file.
        name: the new model's name.
        base_path: the folder of its versions.

    Returns:
        The new text.

    Raises:
        ValueError: The text does not end with the list of models, so the place of the new one is not known.
        ServingError: As `read_models`.
    """
    wanted, text = read_models(path), path.read_text(encoding="utf-8")
    listed = ", ".join(model_names(path)) or "no models"
    wanted.model_config_list.config.add(name=name, base_path=base_path, model_platform=PLATFORM)
    entry = f'config {{\n    name: "{name}"\n    base_path: "{base_path}"\n    model_platform: "{PLATFORM}"\n  }}'
    begin, brace, end = text.rpartition("}")
    longer = f"{begin.rstrip()}\n  {entry}\n}}{end}" if brace else f"{text}model_config_list {{\n  {entry}\n}}\n"
    try:
        extended = text_format.Parse(longer, model_server_config_pb2.ModelServerConfig())
    except text_format.ParseError:
        extended = None
    if extended != wanted:
        raise ValueError(
            f"{path} does not list {name}: expected a model_config_list with it, received {listed}; "
            f"add {' '.join(entry.split())} to the list, or remove the file to serve {name} only."
        )
    return longer


def models_by_name(
    config: model_server_config_pb2.ModelServerConfig,
) -> dict[str, model_server_config_pb2.ModelConfig]:
    """Check a config and return its models.

    Args:
        config: the whole config.

    Returns:
        The config of each model, by name.

    Raises:
        InvalidArgumentError: TensorFlow Serving would refuse the config: custom_model_config, or a model without a
            name, listed twice, of another platform, with a relative base path, or with a request logger.
    """
    if config.WhichOneof("config") == "custom_model_config":
        raise InvalidArgumentError(
            "custom_model_config is not supported: expected model_config_list; list the models there."
        )
    models: dict[str, model_server_config_pb2.ModelConfig] = {}
    for model in config.model_config_list.config:
        if not model.name:
            raise InvalidArgumentError(
                f'a model without a name: expected name: "NAME" in each config, received {{{model}}}.'
            )
        if model.name in models:
            raise InvalidArgumentError(f"Duplicate model name in config: {model.name}; each model is listed once.")
        if model.model_platform != PLATFORM:
            raise InvalidArgumentError(
                f'model {model.name}: expected model_platform: "{PLATFORM}", received "{model.model_platform}".'
            )
        if not Path(model.base_path).is_absolute() or "\0" in model.base_path:
            raise InvalidArgumentError(
                f"Expected model {model.name} to have an absolute path or URI; got base_path()={model.base_path}"
            )
        if model.HasField("logging_config"):
            raise InvalidArgumentError(
                f"model {model.name} has a logging_config: No request-logger-creator provided. The stock server has no "
                "request logger; log in a proxy in front of it, as the gateway does."
            )
        models[model.name] = model
    return models


def read_batching(path: Path) -> BatchingParameters:
    """Read --batching_parameters_file, and set TensorFlow's default of 1000 for max_batch_size.

    Args:
        path: the flag's value.

    Returns:
        The parameters, checked.

    Raises:
        ServingError: The file is missing, is not in text format, or its numbers contradict one another.
    """
    parameters = _read(path, BatchingParameters())
    return checked_batching(parameters)


def checked_batching(
    parameters: BatchingParameters,
) -> BatchingParameters:
    """Fill in the defaults and check the parameters.

    Args:
        parameters: changed in place.

    Returns:
        The same object.

    Raises:
        InvalidArgumentError: The numbers contradict one another.
    """
    if not parameters.HasField("max_batch_size"):
        parameters.max_batch_size.value = _DEFAULT_MAX_BATCH_SIZE
    if parameters.max_batch_size.value < 1:
        raise InvalidArgumentError(f"max_batch_size must be positive; was {parameters.max_batch_size.value}")
    for field in ("num_batch_threads", "max_enqueued_batches"):
        if parameters.HasField(field) and getattr(parameters, field).value < 1:
            raise InvalidArgumentError(f"{field} must be positive; was {getattr(parameters, field).value}")
    if parameters.batch_timeout_micros.value < 0:
        raise InvalidArgumentError(
            f"batch_timeout_micros must not be negative; was {parameters.batch_timeout_micros.value}"
        )
    allowed = list(parameters.allowed_batch_sizes)
    if allowed != sorted(set(allowed)) or any(size < 1 for size in allowed):
        raise InvalidArgumentError(f"allowed_batch_sizes entries must be positive and increasing; were {allowed}")
    if allowed and allowed[-1] != parameters.max_batch_size.value:
        raise InvalidArgumentError(
            "Last entry in allowed_batch_sizes must match max_batch_size; "
            f"last entry was {allowed[-1]}; expected {parameters.max_batch_size.value}"
        )
    return parameters


def read_monitoring_path(path: Path) -> str | None:
    """Return the path of the metrics from --monitoring_config_file; None when metrics are disabled.

    Args:
        path: the flag's value.

    Returns:
        The URL's path.

    Raises:
        ServingError: The file is missing, or is not a MonitoringConfig in text format.
    """
    prometheus = _read(path, MonitoringConfig()).prometheus_config
    return (prometheus.path or MONITORING_PATH) if prometheus.enable else None


def read_ssl(path: Path) -> SSLConfig:
    """Read --ssl_config_file.

    Args:
        path: the flag's value.

    Returns:
        The config.

    Raises:
        InvalidArgumentError: The file is missing, or is not an SSLConfig in text format. The message quotes nothing
            from the file, because it holds the private key.
    """
    try:
        return text_format.Parse(path.read_text(), SSLConfig())
    except text_format.ParseError as error:
        raise InvalidArgumentError(
            f"{path}, line {error.GetLine()}: expected a tensorflow.serving.SSLConfig in text format, received "
            "something else; docs/how-to/tls.md has an example."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(
            f"cannot read {path}: expected a tensorflow.serving.SSLConfig in text format: {error}"
        ) from error


def _read(path: Path, proto: _Proto) -> _Proto:
    try:
        return text_format.Parse(path.read_text(), proto)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(
            f"cannot read {path}: {error}; expected a tensorflow.serving.{proto.DESCRIPTOR.name} in text format."
        ) from error
    except text_format.ParseError as error:
        raise InvalidArgumentError(
            f"Error parsing text-format tensorflow.serving.{proto.DESCRIPTOR.name}: {path}:{error}"
        ) from error
