"""Everything that can be set: one TOML file per task, environment variables over it, the command line over both.

A variable names its setting by path: `GATEWAY__MODEL__SERVER` sets `server` in the table `[model]`. (Kubernetes makes
variables of its own, `GATEWAY_PORT` among them, beside a service of that name: hence two underscores at the start.)
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
FEEDBACK_ROUTE = "/v1/feedback"  # of a gateway of one task

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Seconds = Annotated[float, Field(gt=0, le=3600)]
# A relative path in the settings file starts at that file, so that it means the same wherever the gateway is started;
# one in a variable or on the command line starts where all others there do, at the working directory.
FilePath = Path


# What says something of one probability.
_OF_BINARY = ("probability_of", "decision_true", "decision_false", "threshold")
# Fields of such a record that are no settings of their table: read from a variable, and `limits.body_seconds`.
_SET_ELSEWHERE = ("hash_key", "body_seconds")


class SettingsError(ValueError):
    """The settings cannot be used. The message says which, what was expected and what was received."""


class _Table(pydantic.BaseModel):
    # A traceback shows the cause of a SettingsError too: without the input, which can hold the hash key.
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class PortTlsSettings(_Table):
    """TLS of a port; the files are PEM, and read again when they change (docs/tls.md)."""

    certificate: FilePath  # the gateway's own, then those between it and the CA
    key: FilePath  # of that certificate, without a passphrase
    client_ca: FilePath | None = None  # callers need a certificate of this CA (mTLS); None: they need none


class ModelTlsSettings(_Table):
    """TLS to the model server; the files are PEM, and read again when they change (docs/tls.md)."""

    ca: FilePath | None = None  # who signs the model server's certificate; None: those whom this system trusts
    certificate: FilePath | None = None  # the gateway's own as a client (mTLS)
    key: FilePath | None = None  # of that certificate, without a passphrase
    server_name: str | None = None  # that the server's certificate must have; None: the host in model.server


class ListenSettings(_Table):
    """Where the gateway listens."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080  # 0: a free one, which the log names
    # A second port, on the same host, for the people who run the gateway: metrics, documentation and readiness without
    # a key. None: where keys are required, these need one.
    operator_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    tls: PortTlsSettings | None = None  # of both ports; no table: plain HTTP
    operator_tls: PortTlsSettings | None = None  # of the operators' port, where it differs: no client_ca, for probes
    # Addresses or networks of proxies whose X-Forwarded-For is believed; nobody's otherwise.
    proxies: tuple[str, ...] = ()
    shutdown_seconds: Seconds = 20.0  # requests that are being answered get so long when the gateway is told to end


class ModelSettings(_Table):
    """The model server, and what is asked of it."""

    server: Annotated[str, Field(pattern=r"^https?://[^/?#]+/?$")] = "http://127.0.0.1:8501"  # its REST port
    name: Name
    signature: str = "serving_raw"
    output: str = "predictions"  # [batch, 1] float32; of a multiclass task [batch, classes]
    # true: requests go to the version with the label `stable`, some of them to `canary`. false: to the latest version.
    # auto: like true once the server knows the label `stable`, until then like false.
    labels: Literal["auto"] | bool = "auto"
    stable: Name = "stable"
    canary: Name = "canary"
    resolve_seconds: Seconds = 1.0  # how old the knowledge of a label's version may be
    connect_seconds: Seconds = 0.5
    read_seconds: Seconds = 3.0  # one try
    total_seconds: Seconds = 5.0  # all tries of a request together
    attempts: Annotated[int, Field(ge=1, le=10)] = 4
    backoff_seconds: Annotated[float, Field(ge=0, le=10)] = 0.05  # before the second try; doubles, with jitter
    connections: Annotated[int, Field(ge=1, le=10_000)] = 100  # kept open at most
    # Rows of small requests that go into one call together while others run (serving/gateway/gathered_calls.py); no
    # more than the server's max_batch_size. 1: each request is a call.
    gather_rows: Annotated[int, Field(ge=1, le=1000)] = 64
    gather_seconds: Annotated[float, Field(ge=0, le=1)] = 0.005  # a request waits so long for a running call at most
    answer_bytes: Annotated[int, Field(ge=1000)] = 8_000_000  # of one answer, unpacked; more is no answer
    retry_after_seconds: Annotated[int, Field(ge=1)] = 2  # what a 503 tells the client
    tls: ModelTlsSettings | None = None  # no table: an https:// server needs a certificate that this system trusts


class RequestLimits(_Table):
    """What one request and one client may take."""

    body_bytes: Annotated[int, Field(ge=2)] = 1_000_000
    body_seconds: Seconds = 10.0  # how long a body may take to arrive
    rows: Annotated[int, Field(ge=1)] = 1_000  # in one request
    requests_per_second: Annotated[int, Field(ge=0)] = 100  # per API key, or address where none is needed; 0: no limit
    redis: RedisSettings | None = None  # counts for all replicas of the gateway; no table: each counts alone


class CorsSettings(_Table):
    """Pages of other origins whose scripts may call the gateway; by default none."""

    # Such as https://www.example.com; "*" is every origin.
    origins: tuple[Annotated[str, Field(pattern=r"^(\*|https?://[^/?#*]+)$")], ...] = ()
    max_age_seconds: Annotated[int, Field(ge=0)] = 600  # how long a browser may remember the permission


class KeySettings(_Table):
    """API keys, besides those in the variable GATEWAY_API_KEYS (serving/gateway/api_keys.py)."""

    file: FilePath | None = None  # read again when it changes


class ExplanationSettings(_Table):
    """How POST /v1/<endpoint>/explanation and the page explain a prediction."""

    background: FilePath  # JSON list of 1 to 50 rows that an explained row is compared with
    orders: Annotated[int, Field(ge=1, le=10)] = 1  # of the fields for each background row; more are more exact
    at_once: Annotated[int, Field(ge=1, le=100)] = 2  # explanations; each asks the model about some thousand rows


class TracingSettings(_Table):
    """Traces of requests, for an OpenTelemetry collector (docs/tracing.md)."""

    endpoint: str  # OTLP over HTTP, such as http://127.0.0.1:4318
    sample_rate: Annotated[float, Field(ge=0, le=1)] = 1.0  # of requests without a traceparent; that says it itself


class GatewaySettings(_Table):
    """The settings of one endpoint."""

    endpoint: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]  # POST /v1/<endpoint>
    title: str  # of the page and of the API's documentation
    description: str = ""
    row_name: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]*$")] = "Row"  # what a row is called in the API
    kind: Problem = BINARY  # what the model answers: a probability, one of several classes, or a number
    # Of a binary task only:
    probability_of: str = ""  # what the probability is of, such as "a tip of more than 20%"; has to be given
    decision_true: str = "yes"  # what to call a decision that is true …
    decision_false: str = "no"  # … and false, on the page
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.5  # the decision is true from this probability on
    contract: FilePath
    label: str | None = None  # column that is predicted; None: the contract's one column that no request holds
    traffic: FilePath | None = None  # written by serving.rollout: how many percent of the requests go to the canary
    # header:NAME or field:NAME: each caller, known by its value, keeps its side; None: every request is drawn by lot.
    sticky: Annotated[str, Field(pattern=STICKY_PATTERN)] | None = None
    listen: ListenSettings = ListenSettings()
    model: ModelSettings
    limits: RequestLimits = RequestLimits()
    http: HttpLimits = HttpLimits()  # of connections and headers; `limits` has those of bodies
    keys: KeySettings = KeySettings()
    cors: CorsSettings = CorsSettings()
    request_log: RequestLogSettings | None = None  # no table: no log
    explanation: ExplanationSettings | None = None  # no table: no explanations
    feedback: FeedbackSettings | None = None  # no table: no POST /v1/feedback; needs the request log
    tracing: TracingSettings | None = None  # no table: no traces

    @property
    def route(self) -> str:
        """The path that predictions are asked at."""
        return f"/v1/{self.endpoint}"

    @property
    def operation(self) -> str:
        """The endpoint's name as a part of a function's, in clients that are generated."""
        return self.endpoint.replace("-", "_")

    @property
    def csv_route(self) -> str:
        """The path that files are sent to."""
        return f"{self.route}/csv"

    @property
    def feedback_route(self) -> str:
        """The path that outcomes are told at; FEEDBACK_ROUTE does the same where a gateway serves one task."""
        return f"{self.route}/feedback"

    @property
    def explanation_route(self) -> str:
        """The path that explanations are asked at, where they are set up."""
        return f"{self.route}/explanation"


def load(
    path: Path, environ: Mapping[str, str] = os.environ, flags: Mapping[str, Any] | None = None
) -> GatewaySettings:
    """Read the settings of one task.

    Args:
        path: the TOML file.
        environ: variables that begin with GATEWAY__ go over the file.
        flags: these go over both; dotted names, such as `listen.port`.

    Raises:
        SettingsError: The file cannot be read, a setting is unknown, missing or out of its range.
    """
    return complete(path, read_file(path), environ, flags or {})


def read_file(path: Path) -> dict[str, Any]:
    """Read a TOML file; its relative paths start at it.

    Raises:
        SettingsError: It cannot be read.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(
            f"the settings {path} cannot be read: expected a TOML file such as serving/gateway/taxi.toml, "
            f"received {error}; name another with --settings, or mend it."
        ) from error
    _absolute(given, path.resolve().parent)
    return given


def complete(
    path: Path, given: dict[str, Any], environ: Mapping[str, str], flags: Mapping[str, Any]
) -> GatewaySettings:
    """Put variables and flags over what a file gives, and check it.

    Args:
        path: the file, for messages.
        given: as read_file gives it; is changed.
        environ: as of load.
        flags: as of load.

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
        raise SettingsError(f"the settings {path}: " + "; ".join(map(_words, error.errors()))) from error
    except (ValueError, OSError) as error:
        raise SettingsError(f"the settings {path}: {error}") from error


def _put(given: dict[str, Any], names: list[str], value: object, source: str) -> None:
    for name in names[:-1]:
        given = given.setdefault(name, {})
        if not isinstance(given, dict):
            raise SettingsError(f"{source}: expected {name} to be a table, received the value {given!r}; rename it.")
    given[names[-1]] = value


def _value(text: str) -> object:
    """What the text means in TOML; the text itself when it means nothing there, so that strings need no quotes."""
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
    """Every path of a certificate's file: its table, and its name there."""
    places = (("listen", "tls"), ("listen", "operator_tls"), ("model", "tls"))
    tables = [given[table].get(name) for table, name in places if isinstance(given.get(table), dict)]
    return [(table, name) for table in tables for name in ("certificate", "key", "client_ca", "ca")]


def _check_record(given: Mapping[str, Any], table: str, record: type[Any]) -> None:
    """Refuse names that are no fields of a record that pydantic does not know as a table of its own."""
    allowed = [field.name for field in dataclasses.fields(record) if field.name not in _SET_ELSEWHERE]
    names = given.get(table)
    for name in names if isinstance(names, dict) else ():
        if name not in allowed:
            raise SettingsError(f"{table}.{name} is unknown: {suggestion(name, allowed)}")


def _check_kind(settings: GatewaySettings) -> GatewaySettings:
    if settings.kind == BINARY and not settings.probability_of:
        raise SettingsError("probability_of is missing: expected what the probability is of, received none; add it")
    if settings.kind != BINARY and (given := [name for name in _OF_BINARY if name in settings.model_fields_set]):
        raise SettingsError(
            f'{", ".join(given)}: expected with kind = "binary" only, received kind = "{settings.kind}"; remove them, '
            "or change the kind"
        )
    return settings


def _check_feedback(settings: GatewaySettings) -> GatewaySettings:
    if settings.feedback and not settings.request_log:
        raise SettingsError(
            "feedback: expected a request log, by which outcomes are judged, received none; set request_log.folder"
        )
    if settings.feedback and settings.request_log and _same(settings.feedback.folder, settings.request_log.folder):
        raise SettingsError(
            f"feedback.folder: expected another folder than the request log's, received {settings.feedback.folder}: "
            "each would remove the other's files"
        )
    if settings.feedback and settings.route == FEEDBACK_ROUTE:
        raise SettingsError("endpoint: expected another name than that of the route for outcomes, received feedback")
    return settings


def _check_tls(settings: GatewaySettings) -> GatewaySettings:
    if settings.model.tls and not settings.model.server.startswith("https://"):
        raise SettingsError(
            f"model.tls: expected a model.server that begins with https://, received {settings.model.server}; "
            "change it, or take the table out"
        )
    if settings.listen.operator_tls and not (settings.listen.tls and settings.listen.operator_port):
        raise SettingsError(
            "listen.operator_tls: expected the table listen.tls and the port listen.operator_port beside it, received "
            "one or none of them; add what is missing, or take the table out"
        )
    return settings


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _words(error: Any) -> str:
    name = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        table: Any = GatewaySettings
        for part in error["loc"][:-1]:
            table = _table_of(table.model_fields[part].annotation)
        return f"{name} is unknown: {suggestion(str(error['loc'][-1]), table.model_fields)}"
    if error["type"] == "missing":
        return f"{name} is missing: expected a value, received none; add it"
    # A whole table, secrets included, or an address that may hold a password; the message names what is wrong in it.
    if isinstance(error["input"], Mapping) or error["loc"] == ("limits", "redis", "url"):
        return f"{name}: {error['msg']}"
    return f"{name}: {error['msg']}, received {error['input']!r}"


def _table_of(annotation: Any) -> Any:
    """The table's type; of an optional table, too."""
    return next((one for one in typing.get_args(annotation) if one is not type(None)), annotation)
