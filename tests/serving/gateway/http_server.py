"""Real HTTP servers inside the test's process: an ASGI application under uvicorn, in a thread, on a free port."""

import socket
import threading
import time
from types import TracebackType
from typing import Any, Self

import uvicorn


class HttpServer:
    """Serves an application from `with` on until its end; `url` is where.

    Args:
        app: the application.
        port: where; 0: a free one.
        http: uvicorn's protocol, as serving.http_bounds makes one.
        server: serves instead of one that is made here of `app` and `http`.
    """

    def __init__(self, app: Any, port: int = 0, http: Any = "auto", server: uvicorn.Server | None = None):
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server = server or uvicorn.Server(
            uvicorn.Config(app, log_config=None, http=http, ws="none", lifespan="on", timeout_graceful_shutdown=5)
        )
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            time.sleep(0.001)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._socket.close()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])
