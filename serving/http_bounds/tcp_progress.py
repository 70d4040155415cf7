"""How far a client has come with what it was sent, as TCP knows it.

Under TLS a transport's write buffer does not tell: uvloop encrypts a whole answer at once, and what waits to be sent
then lies below the transport that the protocol sees.
"""

import asyncio
import socket
import struct
from typing import NamedTuple

# Linux' struct tcp_info, from its start: 24 bytes, tcpi_unacked (segments), 92 bytes, tcpi_bytes_acked, 16 bytes,
# tcpi_notsent_bytes.
_TCP_INFO = struct.Struct("=24xI92xQ16xI")


class TcpProgress(NamedTuple):
    """What the client's system has confirmed."""

    confirmed: int  # bytes, since the connection began
    everything: bool  # whether nothing waits in this system either


def tcp_progress(transport: asyncio.Transport) -> TcpProgress:
    """Return what the system knows of a connection."""
    try:
        info = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    except OSError:  # it was closed just now, which its protocol hears of next
        return TcpProgress(0, everything=True)
    on_the_way, confirmed, waiting = _TCP_INFO.unpack(info)
    return TcpProgress(confirmed, not on_the_way and not waiting)
