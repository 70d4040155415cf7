"""Start and stop the server's process: models, ports, batching, metrics and traces."""

import argparse
import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import uvicorn
from tensorflow_serving.config import model_server_config_pb2

from serving.http_bounds.limits import HttpLimits
from serving.http_bounds.protocol import bounded
from serving.http_bounds.server import HttpServer
from serving.server import config, grpc_services, warmup
from serving.server.batching import BatchingRunner, DirectRunner
from serving.server.config_messages_pb2 import BatchingParameters
from serving.server.errors import InvalidArgumentError, ServingError
from serving.server.large_json import LargeJson
from serving.server.manager import LoadOptions, ModelManager
from serving.server.metrics import ServerMetrics
from serving.server.rest import App, refusal_answer, rest_app
from serving.server.service import Service
from serving.server.tls import PortsTls, ports_tls
from serving.server.verified_load import Admission, admit_any, admit_signed
from serving.signing.errors import SigningError
from serving.signing.keys import TrustedKeys
from serving.tracing.factory import make_tracer
from serving.tracing.tracer import Tracer

_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
_CLOSE_SECONDS = 10  # time for models to be unloaded
_GRACE_SECONDS = 30  # time for running requests after the signal to stop
_log = logging.getLogger(__name__)


class _HttpServer(HttpServer):
    """An HTTP server that leaves signals to this module, which stops both ports."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(options: argparse.Namespace) -> None:
    """Load the models, open the ports, and answer until SIGTERM or SIGINT.

    Args:
        options: the parsed command line.

    Raises:
        ServingError: The config is refused, or a model cannot be loaded.
        TlsError: A certificate or a key cannot be used.
        TracingError: Traces cannot be sent.
        OSError: A port is taken.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    _require_free_ports(options)  # before models are loaded, which takes time
    models = _models(options)
    batching = _batching(options)
    monitoring = config.read_monitoring_path(options.monitoring_config_file) if options.monitoring_config_file else None
    metrics = ServerMetrics()
    tls = ports_tls(options, metrics.tls)
    tracer = make_tracer(options.tracing_endpoint, "model-server")
    manager = ModelManager(_load_options(options), warmup.warm_up, _admission(options, metrics))
    # At least one thread for each batch that may run at once.
    size = max(2 * (os.cpu_count() or 1), batching.num_batch_threads.value if batching else 0) + 2
    threads = ThreadPoolExecutor(size, thread_name_prefix="run")
    service = Service(manager, BatchingRunner(batching, threads) if batching else DirectRunner(threads), metrics)
    try:
        awaited = [options.awaited_model] if options.awaited_model else None
        if await _unless(stop, manager.reload(models, awaited)):
            async with _ports(options, service, monitoring, metrics, tls, tracer):
                _log.info("Ready: gRPC on port %d, REST on port %d.", options.port, options.rest_api_port)
                await _unless(stop, asyncio.gather(manager.poll(), _poll_config(options, manager), stop.wait()))
                _log.info("Stopping: running requests have %d s.", _GRACE_SECONDS)
    finally:
        try:
            await asyncio.wait_for(manager.close(), _CLOSE_SECONDS)
        except TimeoutError:
            _log.error("A model is still running: the process ends without waiting for it.")
        threads.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(tracer.close)


async def _unless(stop: asyncio.Event, work: Awaitable[object]) -> bool:
    """Await `work` until `stop` is set; return whether the work finished first. Raise what the work raises."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    if working.done():
        stopping.cancel()
        working.result()
        return True
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
    return False


@contextlib.asynccontextmanager
async def _ports(
    options: argparse.Namespace,
    service: Service,
    monitoring: str | None,
    metrics: ServerMetrics,
    tls: PortsTls,
    tracer: Tracer,
) -> AsyncIterator[None]:
    """Hold both ports open; close them at the same time, each after its running requests."""
    grpc_server = await _open_grpc(options, service, tls) if options.port else None
    rest, answering, large_json = None, asyncio.ensure_future(asyncio.sleep(0)), LargeJson()
    try:
        if options.rest_api_port:
            rest = _HttpServer(
                _rest_config(
                    rest_app(
                        service,
                        monitoring,
                        metrics.render,
                        large_json=large_json,
                        seconds=options.rest_api_timeout_in_ms / 1000,
                        tracer=tracer,
                    )
                ),
                tls.rest,
            )
            listening = _listening(options.host, options.rest_api_port)
            answering = asyncio.ensure_future(rest.serve([listening]))
        yield
    finally:
        if rest:
            rest.should_exit = True
        await asyncio.gather(answering, *([grpc_server.stop(_GRACE_SECONDS)] if grpc_server else []))
        large_json.close()


async def _open_grpc(options: argparse.Namespace, service: Service, tls: PortsTls) -> grpc.aio.Server:
    handshake = ("grpc.server_handshake_timeout_ms", int(HttpLimits().handshake_seconds * 1000))
    server = grpc.aio.server(
        interceptors=[grpc_services.MalformedIsInvalid()], options=[*_UNLIMITED, ("grpc.so_reuseport", 0), handshake]
    )
    await grpc_services.add_to(server, service)
    address = f"[{options.host}]:{options.port}" if ":" in options.host else f"{options.host}:{options.port}"
    try:
        bound = server.add_secure_port(address, tls.grpc) if tls.grpc else server.add_insecure_port(address)
    except RuntimeError as error:
        raise _cannot_listen(options.host, options.port, "gRPC", error) from error
    if bound != options.port:
        raise _cannot_listen(options.host, options.port, "gRPC", OSError(errno.EADDRINUSE, "bound to another port"))
    await server.start()
    return server


def _rest_config(app: App) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=bounded(HttpLimits(), refusal_answer),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the client's address is not needed, and the layer costs time on every request
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=_family(host), backlog=2048)
    except OSError as error:
        raise _cannot_listen(host, port, "REST", error) from error


def _require_free_ports(options: argparse.Namespace) -> None:
    """Check that both ports are free: gRPC itself would print several lines of its own for a port in use."""
    for port, protocol in ((options.port, "gRPC"), (options.rest_api_port, "REST")):
        if port:
            with socket.socket(_family(options.host), socket.SOCK_STREAM) as tried:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    tried.bind((options.host, port))
                except OSError as error:
                    raise _cannot_listen(options.host, port, protocol, error) from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _cannot_listen(host: str, port: int, protocol: str, error: Exception) -> OSError:
    flag = {"gRPC": "--port", "REST": "--rest_api_port"}[protocol]
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return OSError(
            f"cannot listen on {host} port {port}: expected a free port for {protocol}, received one that another "
            f"process uses; stop that process, such as a model server in another terminal, or set another port with "
            f"{flag}."
        )
    return OSError(
        f"cannot listen on {host} port {port}: expected an address of this machine and a port that this user may "
        f"open for {protocol}, received {error}; change --host or {flag}."
    )


async def _poll_config(options: argparse.Namespace, manager: ModelManager) -> None:
    """Read the config file periodically. Log a refused config, and keep the one before."""
    path, seconds = options.model_config_file, options.model_config_file_poll_wait_seconds
    if not path or seconds <= 0:
        return
    said = ""
    while True:
        await asyncio.sleep(seconds)
        try:
            await manager.apply(config.read_models(path))
            said = ""
        except ServingError as error:
            if error.message != said:  # log it once, not at each read
                _log.error("%s is refused, and the config before stays in force: %s", path, error.message)
            said = error.message


def _models(options: argparse.Namespace) -> model_server_config_pb2.ModelServerConfig:
    if options.model_config_file:
        return config.read_models(options.model_config_file)
    return config.single_model(options.model_name, options.model_base_path)


def _admission(options: argparse.Namespace, metrics: ServerMetrics) -> Admission:
    """Return the check that each version passes before it is loaded.

    Raises:
        InvalidArgumentError: The keys cannot be used.
    """
    if options.verify_keys is None:
        _log.info("Signatures are not verified: every version is loaded, whoever wrote it.")
        return admit_any
    try:
        keys = TrustedKeys.read(options.verify_keys)
    except SigningError as error:
        raise InvalidArgumentError(f"--verify_keys: {error}") from error
    _log.info("Only versions signed by %s are loaded.", " or ".join(keys.ids()))
    return admit_signed(options.verify_keys, metrics.refused)


def _batching(options: argparse.Namespace) -> BatchingParameters | None:
    if not options.enable_batching:
        return None
    if options.batching_parameters_file:
        return config.read_batching(options.batching_parameters_file)
    return config.checked_batching(BatchingParameters())


def _load_options(options: argparse.Namespace) -> LoadOptions:
    return LoadOptions(
        poll_seconds=options.file_system_poll_wait_seconds,
        load_retries=options.max_num_load_retries,
        retry_seconds=options.load_retry_interval_micros / 1e6,
        labels_may_wait=options.allow_version_labels_for_unavailable_models,
    )
