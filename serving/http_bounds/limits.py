"""The limits of one HTTP connection, of one client, and of all clients together."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class HttpLimits:
    """The limits that `serving.http_bounds.protocol` enforces.

    Raises:
        ValueError: A limit is not positive, or two limits contradict each other.
    """

    header_line_bytes: int = 8 * 1024  # one header with its value, and the request's target
    header_bytes: int = 16 * 1024  # all headers of a request, and its target
    headers: int = 100  # of a request, trailers included
    head_seconds: float = 10.0  # from a request's first byte to the end of its headers
    body_seconds: float = 60.0  # from the end of the headers to the end of the body
    handshake_seconds: float = 10.0  # of the TLS handshake
    idle_seconds: float = 15.0  # without a request, on a new connection and between two requests
    write_seconds: float = 30.0  # within which a client must read at least one byte of its answer
    connections: int = 800  # in total; below 1,024, the usual limit of a process's open files
    connections_per_client: int = 400  # from one address; a proxy is one address
    pipelined: int = 16  # requests of one connection that wait for the current one

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise ValueError(f"{field.name}: expected a number above 0, received {value}")
        if self.header_line_bytes > self.header_bytes:
            raise ValueError(
                f"header_line_bytes: expected at most header_bytes, {self.header_bytes}, "
                f"received {self.header_line_bytes}"
            )
