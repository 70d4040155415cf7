"""How much one HTTP connection, one client, and all of them together may take."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class HttpLimits:
    """The bounds that `serving.http_bounds.protocol` keeps.

    Raises:
        ValueError: A bound is not positive, or two of them contradict each other.
    """

    header_line_bytes: int = 8 * 1024  # one header with its value; also the request's target
    header_bytes: int = 16 * 1024  # all headers of a request and its target
    headers: int = 100  # of a request, trailers included
    head_seconds: float = 10.0  # from a request's first byte to the end of its headers
    body_seconds: float = 60.0  # from the end of the headers to the end of the body
    handshake_seconds: float = 10.0  # of TLS, where it is spoken
    idle_seconds: float = 15.0  # without a request: a new connection, and one between two requests
    write_seconds: float = 30.0  # in which a client that reads its answer takes at least one byte of it
    connections: int = 800  # all together; below the 1,024 files that most systems give a process
    connections_per_client: int = 400  # of one address; a proxy in front is one address
    pipelined: int = 16  # requests of one connection that wait behind the one being answered

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
