"""Ask TCP how much of an answer a client has received.

Under TLS a transport's write buffer does not show this: uvloop encrypts a whole answer at once, and the data waits
below the transport that the protocol sees.
"""

import asyncio
import socket
import struct
from typing import NamedTuple

# Linux' struct tcp_info, from its start: 24 bytes, tcpi_unacked (segments), 92 bytes, tcpi_bytes_acked, 16 bytes,
# tcpi_notsent_bytes.
_TCP_INFO = struct.Struct("=24xI92xQ16xI")


class TcpProgress(NamedTuple):
    """The data that the client's system has confirmed."""

    confirmed: int  # bytes since the connection began
    everything: bool  # whether no data waits in this system either


def tcp_progress(transport: asyncio.Transport) -> TcpProgress:
    """Return TCP's progress of a connection."""
    try:
        info = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    except OSError:  # just closed; the protocol learns of it next
        return TcpProgress(0, everything=True)
    on_the_way, confirmed, waiting = _TCP_INFO.unpack(info)
    return TcpProgress(confirmed, not on_the_way and not waiting)
