"""What a client can do to an HTTP server before it has sent a whole request."""

import contextlib
import socket
from collections.abc import Iterator

Address = tuple[str, int]
HEAD = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"


@contextlib.contextmanager
def connections(address: Address, count: int = 1) -> Iterator[list[socket.socket]]:
    """Opens connections."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(contextlib.closing(socket.create_connection(address, 30))) for _ in range(count)]


def send(connection: socket.socket, data: bytes, repeat: int = 1) -> None:
    """Sends the data until the server stops taking it."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, TimeoutError):
        for _ in range(repeat):
            connection.sendall(data)


def answer(connection: socket.socket) -> bytes:
    """Returns all that the server sends until it closes the connection."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(65536):
            received += data
    return received


def statuses(connection: socket.socket) -> list[int]:
    """Returns the status of each answer until the server closes the connection."""
    return [int(part[:3]) for part in answer(connection).split(b"HTTP/1.1 ")[1:]]


def ask(address: Address, data: bytes, repeat: int = 1) -> list[int]:
    """Sends the data over a connection of its own; returns the statuses."""
    with connections(address) as (connection,):
        send(connection, data, repeat)
        return statuses(connection)


def headers(size: int) -> bytes:
    """Returns complete headers of 1 kB each, `size` bytes together."""
    return b"".join(b"X-%04d: %s\r\n" % (number, b"a" * 990) for number in range(size // 1000))
