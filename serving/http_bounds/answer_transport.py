"""Puts the head of an answer and the first part of its body into one write.

uvicorn writes them one after the other, and each write is a system call that wakes the client: a third of the gateway's
time of a request went into the two.
"""

import asyncio

_CONTINUE = b"HTTP/1.1 100 "  # an interim answer, which the client waits for before it sends its body


class AnswerTransport:
    """What uvicorn's cycle of request and response writes to: as much of a transport as it uses.

    The head is held until the body begins, the answer is complete, or the connection closes.
    """

    def __init__(self, transport: asyncio.Transport):
        self._transport = transport
        self._head: bytes | None = None
        self._begun = False  # an answer

    def write(self, data: bytes) -> None:
        """Write a part of an answer; hold it if it is the head."""
        if self._head is not None:
            self._transport.write(self._head + data)
            self._head = None
        elif self._begun or data.startswith(_CONTINUE):
            self._transport.write(data)
        else:
            self._head = data
            self._begun = True

    def end_answer(self) -> None:
        """Write what is held, as of an answer to HEAD, which has no body; the next write is another answer's head."""
        self._begun = False
        if self._head is not None:
            self._transport.write(self._head)
            self._head = None

    def is_closing(self) -> bool:
        """Whether the connection is closed, or being closed."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Close the connection, after what is held."""
        self.end_answer()
        self._transport.close()
