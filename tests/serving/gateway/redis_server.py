"""A real Redis on a socket of its own, from Debian's package redis-server: a test kills, freezes and starts it."""

import contextlib
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import redis

_SECONDS = 20.0


class RedisServer:
    """Redis, without a file of its data.

    Args:
        folder: short, since a socket's path may have 107 characters.
        options: of redis-server, such as `--requirepass`.
        arguments: of redis-server, a configuration file first; None: those of a server without a port and a file.
    """

    def __init__(self, folder: Path, *options: str, arguments: Sequence[str] | None = None):
        program = shutil.which("redis-server")
        assert program, "no redis-server on PATH: apt-get install redis-server"
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self._folder = folder
        arguments = ["--port", "0", "--save", ""] if arguments is None else arguments
        self._command = [program, *arguments, "--unixsocket", str(self.socket), *options]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, password: str | None = None) -> None:
        self._process = subprocess.Popen(self._command, cwd=self._folder, stdout=subprocess.DEVNULL)
        end = time.monotonic() + _SECONDS
        while True:
            try:
                with self.client(password) as client:
                    client.ping()
                return
            except redis.ConnectionError:
                assert self._process.poll() is None, "redis-server ended"
                assert time.monotonic() < end, "redis-server does not answer"
                time.sleep(0.01)

    def kill(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Makes it answer nothing more, with its connections open."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def client(self, password: str | None = None) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket), password=password)


@contextlib.contextmanager
def running_redis(*options: str, password: str | None = None) -> Iterator[RedisServer]:
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder), *options)
        server.start(password)
        try:
            yield server
        finally:
            server.kill()
