import asyncio

from serving.http_bounds.answer_transport import AnswerTransport


class Wire(asyncio.Transport):
    """Remembers each write, and its end."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self.writes.append(data)

    def is_closing(self) -> bool:
        return b"end" in self.writes

    def close(self) -> None:
        self.writes.append(b"end")


def test_head_and_body_are_one_write_and_later_parts_go_as_they_come() -> None:
    wire = Wire()
    answer = AnswerTransport(wire)
    for part in (b"head ", b"body", b"more"):
        answer.write(part)
    answer.end_answer()
    answer.write(b"next head ")
    answer.write(b"next body")
    assert wire.writes == [b"head body", b"more", b"next head next body"]


def test_an_answer_without_a_body_goes_when_it_is_complete() -> None:
    wire = Wire()
    answer = AnswerTransport(wire)
    answer.write(b"head of HEAD")
    assert wire.writes == []
    answer.end_answer()
    assert wire.writes == [b"head of HEAD"]


def test_a_client_that_asks_before_it_sends_is_answered_at_once() -> None:
    wire = Wire()
    answer = AnswerTransport(wire)
    answer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert wire.writes == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    answer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    answer.write(b"body")
    assert wire.writes[1:] == [b"HTTP/1.1 200 OK\r\n\r\nbody"]


def test_what_is_held_goes_before_the_connection_closes() -> None:
    wire = Wire()
    answer = AnswerTransport(wire)
    answer.write(b"head")
    answer.close()
    assert wire.writes == [b"head", b"end"]
    assert answer.is_closing()
