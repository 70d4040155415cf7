import gc
import importlib
import io
import os
import signal
from collections.abc import Iterator

import pytest

from serving.process_control import (
    gc_paused_imports,
    gc_seldom,
    hold_stderr,
    print_on_any_terminal,
    raise_if_interrupted,
    remember_interrupts,
)


@pytest.fixture
def collector() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.enable()
    gc.set_threshold(*threshold)


@pytest.mark.usefixtures("collector")
def test_nothing_is_collected_inside_and_what_was_made_is_exempt_afterwards() -> None:
    before = gc.get_freeze_count()
    with gc_paused_imports():
        assert not gc.isenabled()
        made = [[] for _ in range(10_000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() - before >= len(made)


@pytest.mark.usefixtures("collector")
def test_a_ready_server_collects_seldom_and_never_what_it_was_made_of() -> None:
    made = [[] for _ in range(10_000)]
    before = gc.get_freeze_count()
    gc_seldom()
    assert gc.isenabled()  # cycles of requests must go
    assert gc.get_freeze_count() - before >= len(made)
    collections = gc.get_stats()[0]["collections"]
    kept = [[] for _ in range(9_000)]
    assert gc.get_stats()[0]["collections"] == collections, len(kept)


@pytest.mark.usefixtures("collector")
def test_the_collector_works_again_after_an_import_that_fails() -> None:
    with pytest.raises(ImportError), gc_paused_imports():
        importlib.import_module("serving.nothing_like_it")
    assert gc.isenabled()


@pytest.mark.usefixtures("collector")
def test_a_caller_that_had_disabled_the_collector_keeps_it_disabled() -> None:
    gc.disable()
    with gc_paused_imports():
        pass
    assert not gc.isenabled()


def test_standard_error_is_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    with hold_stderr():
        os.write(2, b"noise\n")
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"


def test_standard_error_is_shown_with_an_exception(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        os.write(2, b"the reason\n")
        raise RuntimeError("it fails")

    with pytest.raises(RuntimeError, match="it fails"), hold_stderr():
        fail()
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "the reason\nafterwards\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_raised_remembered_and_forgotten_after_the_block(number: signal.Signals) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    try:
        with remember_interrupts():
            raise_if_interrupted()
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(number)
            for _ in range(2):  # It stays remembered, since whoever catches it may lose it again.
                with pytest.raises(KeyboardInterrupt):
                    raise_if_interrupted()
        raise_if_interrupted()
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_ignored_sigint_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with remember_interrupts():
            signal.raise_signal(signal.SIGINT)
            raise_if_interrupted()
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("encoding", "written"),
    [("ascii", b"Lab\\xeal \\u20ac\n"), ("latin-1", b"Lab\xeal \\u20ac\n"), ("utf-8", "Labêl €\n".encode())],
)
def test_a_terminal_without_a_letter_gets_its_escape(
    monkeypatch: pytest.MonkeyPatch, encoding: str, written: bytes
) -> None:
    terminal = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(terminal, encoding=encoding))
    print_on_any_terminal()
    print("Labêl €", flush=True)
    assert terminal.getvalue() == written
