"""The gateway's settings: one TOML file per task, overridden by environment variables and then by the command line.

A variable names its setting by path: `GATEWAY__MODEL__SERVER` sets `server` in the table `[model]`. (The prefix has two
underscores because Kubernetes creates variables such as `GATEWAY_PORT` for a service of that name.)
"""

import dataclasses
import os
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field

from serving.did_you_mean import suggestion
from serving.feedback.settings import FeedbackSettings
from serving.gateway.redis_settings import RedisSettings
from serving.gateway.sticky import PATTERN as STICKY_PATTERN
from serving.http_bounds.limits import HttpLimits
from serving.problem import BINARY, Problem
from serving.request_log.settings import RequestLogSettings, read_hash_key

PREFIX = "GATEWAY__"
FEEDBACK_ROUTE = "/v1/feedback"  # the route in a gateway of one task

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Seconds = Annotated[float, Field(gt=0, le=3600)]
# A relative path in the settings file starts at that file, wherever the gateway is started. A relative path in a
# variable or on the command line starts at the working directory.
FilePath = Path


# Settings that apply to one probability only.
_OF_BINARY = ("probability_of", "decision_true", "decision_false", "threshold")
# Fields of such a record that are set elsewhere: in a variable, or as `limits.body_seconds`.
_SET_ELSEWHERE = ("hash_key", "body_seconds")


class SettingsError(ValueError):
    """The settings cannot be used. The message says which setting, what was expected and what was received."""


class _Table(pydantic.BaseModel):
    # Hide the input: tracebacks show the cause of a SettingsError, and the input can hold the hash key.
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class PortTlsSettings(_Table):
    """TLS of a port. The files are PEM, and read again when they change (docs/how-to/tls.md)."""

    certificate: FilePath  # the gateway's own, then the intermediates up to the CA
    key: FilePath  # the certificate's key, without a passphrase
    client_ca: FilePath | None = None  # clients need a certificate of this CA (mTLS); None: no client certificates


class ModelTlsSettings(_Table):
    """TLS to the model server. The files are PEM, and read again when they change (docs/how-to/tls.md)."""

    ca: FilePath | None = None  # CA of the model server's certificate; None: the system's trusted CAs
    certificate: FilePath | None = None  # the gateway's client certificate (mTLS)
    key: FilePath | None = None  # the certificate's key, without a passphrase
    server_name: str | None = None  # the name in the server's certificate; None: the host in model.server


class ListenSettings(_Table):
    """The address and the ports that the gateway listens on."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080  # 0: a free port, which the log names
    # A second port on the same host for operators: metrics, documentation and readiness without a key. None: if keys
    # are required, these need a key, too.
    operator_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    tls: PortTlsSettings | None = None  # for both ports; no table: plain HTTP
    # for the operators' port, if it differs, for example without client_ca for probes
    operator_tls: PortTlsSettings | None = None
    # Addresses or networks of proxies whose X-Forwarded-For is trusted.
    proxies: tuple[str, ...] = ()
    shutdown_seconds: Seconds = 20.0  # time for running requests when the gateway has to stop


class ModelSettings(_Table):
    """The model server, and the calls to it."""

    server: Annotated[str, Field(pattern=r"^https?://[^/?#]+/?$")] = "http://127.0.0.1:8501"  # its REST port
    name: Name
    signature: str = "serving_raw"
    output: str = "predictions"  # [batch, 1] float32; [batch, classes] for a multiclass task
    # true: requests go to the version with the label `stable`, some to `canary`. false: to the latest version. auto: as
    # true once the server knows the label `stable`, until then as false.
    labels: Literal["auto"] | bool = "auto"
    stable: Name = "stable"
    canary: Name = "canary"
    resolve_seconds: Seconds = 1.0  # maximum age of a looked-up version
    connect_seconds: Seconds = 0.5
    read_seconds: Seconds = 3.0  # of one try
    total_seconds: Seconds = 5.0  # of all tries of a request together
    attempts: Annotated[int, Field(ge=1, le=10)] = 4
    backoff_seconds: Annotated[float, Field(ge=0, le=10)] = 0.05  # before the second try; doubles, with jitter
    connections: Annotated[int, Field(ge=1, le=10_000)] = 100  # open connections at most
    # Rows of small requests that share one call while other calls run (serving/gateway/gathered_calls.py); at most the
    # server's max_batch_size. 1: each request is a call.
    gather_rows: Annotated[int, Field(ge=1, le=1000)] = 64
    gather_seconds: Annotated[float, Field(ge=0, le=1)] = 0.005  # longest wait of a request for a shared call
    # limit of one answer, uncompressed; a longer one is refused
    answer_bytes: Annotated[int, Field(ge=1000)] = 8_000_000
    retry_after_seconds: Annotated[int, Field(ge=1)] = 2  # Retry-After of a 503
    tls: ModelTlsSettings | None = None  # no table: an https:// server needs a certificate that this system trusts


class RequestLimits(_Table):
    """Limits of one request and of one client."""

    body_bytes: Annotated[int, Field(ge=2)] = 1_000_000
    body_seconds: Seconds = 10.0  # time limit for a body to arrive
    rows: Annotated[int, Field(ge=1)] = 1_000  # limit of one request
    # per API key, or per address if no keys are required; 0: no limit
    requests_per_second: Annotated[int, Field(ge=0)] = 100
    redis: RedisSettings | None = None  # counts for all replicas of the gateway; no table: each replica counts alone


class CorsSettings(_Table):
    """Other origins whose pages may call the gateway; none by default."""

    # Such as https://www.example.com; "*" allows every origin.
    origins: tuple[Annotated[str, Field(pattern=r"^(\*|https?://[^/?#*]+)$")], ...] = ()
    max_age_seconds: Annotated[int, Field(ge=0)] = 600  # time that a browser may cache the permission


class KeySettings(_Table):
    """API keys, in addition to those in the variable GATEWAY_API_KEYS (serving/gateway/api_keys.py)."""

    file: FilePath | None = None  # read again when it changes


class ExplanationSettings(_Table):
    """How POST /v1/<endpoint>/explanation and the page explain a prediction."""

    background: FilePath  # JSON list of 1 to 50 rows; an explained row is compared with them
    # sampled orders of the fields for each background row; more are more exact
    orders: Annotated[int, Field(ge=1, le=10)] = 1
    # explanations at the same time; each asks the model for about a thousand rows
    at_once: Annotated[int, Field(ge=1, le=100)] = 2


class TracingSettings(_Table):
    """Traces of requests, for an OpenTelemetry collector (docs/how-to/tracing.md)."""

    endpoint: str  # OTLP over HTTP, such as http://127.0.0.1:4318
    # share of requests to trace; a traceparent header overrides it
    sample_rate: Annotated[float, Field(ge=0, le=1)] = 1.0


class GatewaySettings(_Table):
    """The settings of one task's endpoint."""

    endpoint: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]  # POST /v1/<endpoint>
    title: str  # title of the page and of the API's documentation
    description: str = ""
    row_name: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]*$")] = "Row"  # name of a row's type in the API
    kind: Problem = BINARY  # the kind of prediction: a probability, one of several classes, or a number
    # For binary tasks only:
    probability_of: str = ""  # the event, such as "a tip of more than 20%"; required
    decision_true: str = "yes"  # the page's word for a true decision
    decision_false: str = "no"  # the page's word for a false decision
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.5  # the decision is true from this probability on
    contract: FilePath
    label: str | None = None  # the predicted column; None: the contract's one column that no request holds
    traffic: FilePath | None = None  # written by serving.rollout: the percent of requests that go to the canary
    # header:NAME or field:NAME: requests with the same value go to the same version. None: each request is assigned at
    # random.
    sticky: Annotated[str, Field(pattern=STICKY_PATTERN)] | None = None
    listen: ListenSettings = ListenSettings()
    model: ModelSettings
    limits: RequestLimits = RequestLimits()
    http: HttpLimits = HttpLimits()  # limits of connections and headers; `limits` has those of bodies
    keys: KeySettings = KeySettings()
    cors: CorsSettings = CorsSettings()
    request_log: RequestLogSettings | None = None  # no table: no log
    explanation: ExplanationSettings | None = None  # no table: no explanations
    feedback: FeedbackSettings | None = None  # no table: no POST /v1/feedback; requires the request log
    tracing: TracingSettings | None = None  # no table: no traces

    @property
    def route(self) -> str:
        """Return the path of predictions."""
        return f"/v1/{self.endpoint}"

    @property
    def operation(self) -> str:
        """Return the endpoint's name as part of function names in generated clients."""
        return self.endpoint.replace("-", "_")

    @property
    def csv_route(self) -> str:
        """Return the path of CSV files."""
        return f"{self.route}/csv"

    @property
    def feedback_route(self) -> str:
        """Return the path of outcomes; FEEDBACK_ROUTE is the same in a gateway of one task."""
        return f"{self.route}/feedback"

    @property
    def explanation_route(self) -> str:
        """Return the path of explanations, if they are set up."""
        return f"{self.route}/explanation"


def load(
    path: Path, environ: Mapping[str, str] = os.environ, flags: Mapping[str, Any] | None = None
) -> GatewaySettings:
    """Read the settings of one task.

    Args:
        path: the TOML file.
        environ: variables that begin with GATEWAY__ override the file.
        flags: override both; dotted names, such as `listen.port`.

    Returns:
        The settings.

    Raises:
        SettingsError: The file cannot be read, or a setting is unknown, missing or out of its range.
    """
    return complete(path, read_file(path), environ, flags or {})


def read_file(path: Path) -> dict[str, Any]:
    """Read a TOML file. Its relative paths start at the file.

    Args:
        path: the file.

    Returns:
        Its tables.

    Raises:
        SettingsError: The file cannot be read.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(
            f"the settings {path} cannot be read: expected a TOML file such as serving/gateway/taxi.toml, "
            f"received {error}; correct it, or name another with --settings."
        ) from error
    _absolute(given, path.resolve().parent)
    return given


def complete(
    path: Path, given: dict[str, Any], environ: Mapping[str, str], flags: Mapping[str, Any]
) -> GatewaySettings:
    """Override a file's settings by variables and flags, and check the result.

    Args:
        path: the file, for messages.
        given: as returned by read_file; changed in place.
        environ: see load.
        flags: see load.

    Returns:
        The settings.

    Raises:
        SettingsError: A setting is unknown, missing or out of its range.
    """
    for variable, text in environ.items():
        if variable.startswith(PREFIX):
            _put(given, variable.removeprefix(PREFIX).lower().split("__"), _value(text), variable)
    for name, value in flags.items():
        _put(given, name.split("."), value, name)
    _absolute(given, Path.cwd())
    try:
        _check_record(given, "request_log", RequestLogSettings)
        _check_record(given, "http", HttpLimits)
        _check_record(given, "feedback", FeedbackSettings)
        if isinstance(given.get("request_log"), dict):
            given["request_log"]["hash_key"] = read_hash_key(environ)
        return _check_tls(_check_feedback(_check_kind(GatewaySettings.model_validate(given))))
    except pydantic.ValidationError as error:
        raise SettingsError(f"the settings {path}: " + "; ".join(map(_describe_error, error.errors()))) from error
    except (ValueError, OSError) as error:
        raise SettingsError(f"the settings {path}: {error}") from error


def _put(given: dict[str, Any], names: list[str], value: object, source: str) -> None:
    for name in names[:-1]:
        given = given.setdefault(name, {})
        if not isinstance(given, dict):
            raise SettingsError(f"{source}: expected {name} to be a table, received the value {given!r}; rename it.")
    given[names[-1]] = value


def _value(text: str) -> object:
    """Parse text as a TOML value; return the text itself if it is none, so that strings need no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _absolute(given: dict[str, Any], folder: Path) -> None:
    limits = given.get("limits")
    redis = limits.get("redis") if isinstance(limits, dict) else None
    for table, name in ((redis, "ca_file"), (redis, "certificate_file"), (redis, "key_file"),
                        (given, "contract"), (given, "traffic"), (given.get("keys"), "file"),
                        (given.get("request_log"), "folder"), (given.get("feedback"), "folder"),
                        (given.get("explanation"), "background"), *_tls_paths(given)):  # fmt: skip
        if isinstance(table, dict) and isinstance(table.get(name), str):
            table[name] = folder / table[name]


def _tls_paths(given: Mapping[str, Any]) -> list[tuple[object, str]]:
    """Return the place of every path of a certificate's file: its table, and its name there."""
    places = (("listen", "tls"), ("listen", "operator_tls"), ("model", "tls"))
    tables = [given[table].get(name) for table, name in places if isinstance(given.get(table), dict)]
    return [(table, name) for table in tables for name in ("certificate", "key", "client_ca", "ca")]


def _check_record(given: Mapping[str, Any], table: str, record: type[Any]) -> None:
    """Refuse unknown names in a record, which pydantic does not check as a table."""
    allowed = [field.name for field in dataclasses.fields(record) if field.name not in _SET_ELSEWHERE]
    names = given.get(table)
    for name in names if isinstance(names, dict) else ():
        if name not in allowed:
            raise SettingsError(f"{table}.{name} is unknown: {suggestion(name, allowed)}")


def _check_kind(settings: GatewaySettings) -> GatewaySettings:
    if settings.kind == BINARY and not settings.probability_of:
        raise SettingsError(
            "probability_of is missing: expected the event that the probability is of, received none; add it"
        )
    if settings.kind != BINARY and (given := [name for name in _OF_BINARY if name in settings.model_fields_set]):
        raise SettingsError(
            f'{", ".join(given)}: expected with kind = "binary" only, received kind = "{settings.kind}"; remove them, '
            "or change the kind"
        )
    return settings


def _check_feedback(settings: GatewaySettings) -> GatewaySettings:
    if settings.feedback and not settings.request_log:
        raise SettingsError(
            "feedback: expected a request log, which outcomes are checked against, received none; set "
            "request_log.folder"
        )
    if settings.feedback and settings.request_log and _same(settings.feedback.folder, settings.request_log.folder):
        raise SettingsError(
            f"feedback.folder: expected another folder than the request log's, received {settings.feedback.folder}; "
            "choose another, since each would remove the other's files"
        )
    if settings.feedback and settings.route == FEEDBACK_ROUTE:
        raise SettingsError("endpoint: expected another name than the route of outcomes, received feedback; rename it")
    return settings


def _check_tls(settings: GatewaySettings) -> GatewaySettings:
    if settings.model.tls and not settings.model.server.startswith("https://"):
        raise SettingsError(
            f"model.tls: expected a model.server that begins with https://, received {settings.model.server}; "
            "change it, or remove the table"
        )
    if settings.listen.operator_tls and not (settings.listen.tls and settings.listen.operator_port):
        raise SettingsError(
            "listen.operator_tls: expected the table listen.tls and the port listen.operator_port, too, received one "
            "or none of them; add what is missing, or remove the table"
        )
    return settings


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _describe_error(error: Any) -> str:
    name = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        table: Any = GatewaySettings
        for part in error["loc"][:-1]:
            table = _table_of(table.model_fields[part].annotation)
        return f"{name} is unknown: {suggestion(str(error['loc'][-1]), table.model_fields)}"
    if error["type"] == "missing":
        return f"{name} is missing: expected a value, received none; add it"
    # Do not quote a whole table, which may hold secrets, or an address, which may hold a password. The message names
    # the fault.
    if isinstance(error["input"], Mapping) or error["loc"] == ("limits", "redis", "url"):
        return f"{name}: {error['msg']}"
    return f"{name}: {error['msg']}, received {error['input']!r}"


def _table_of(annotation: Any) -> Any:
    """Return a table's type, also if the table is optional."""
    return next((one for one in typing.get_args(annotation) if one is not type(None)), annotation)
