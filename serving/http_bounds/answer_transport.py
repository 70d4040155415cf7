"""Send the head of an answer and the first part of its body in one write.

uvicorn writes them separately, and each write is a system call that wakes the client: the two took a third of the
gateway's time of a request.
"""

import asyncio

_CONTINUE = b"HTTP/1.1 100 "  # an interim answer, which the client waits for before it sends its body


class AnswerTransport:
    """The part of a transport that uvicorn's request cycle writes to.

    It holds the head until the body begins, the answer is complete, or the connection closes.

    Args:
        transport: of the connection.
    """

    def __init__(self, transport: asyncio.Transport):
        self._transport = transport
        self._head: bytes | None = None
        self._begun = False  # whether an answer has begun

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
        """Write a held head, as of an answer without a body. The next write is another answer's head."""
        self._begun = False
        if self._head is not None:
            self._transport.write(self._head)
            self._head = None

    def is_closing(self) -> bool:
        """Return whether the connection is closed or closing."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Write a held head, then close the connection."""
        self.end_answer()
        self._transport.close()
