"""Clients that keep asking, as those of a service in use do."""

import threading
import time
from types import TracebackType
from typing import Self

import httpx

ROUTES = ("/labels/stable", "/labels/canary", "")  # the last names neither label nor version
_BODY = {"signature_name": "serving_raw", "inputs": {"fare": [100.0, 200.0], "company": ["Flash", ""]}}


class Load:
    """Two threads for each route. A context manager; `failures` says what they did not get."""

    def __init__(self, rest_port: int, model: str, routes: tuple[str, ...] = ROUTES) -> None:
        self.failures: list[str] = []
        self.answers: dict[str, list[float]] = {route: [] for route in routes}  # the first row's predictions
        self._base = f"http://127.0.0.1:{rest_port}/v1/models/{model}"
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(route,)) for route in routes * 2]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        self.some_more()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def some_more(self) -> None:
        """Returns when every route was answered ten times more."""
        wanted = {route: len(answers) + 10 for route, answers in self.answers.items()}
        end = time.monotonic() + 30
        while any(len(self.answers[route]) < count for route, count in wanted.items()):
            assert time.monotonic() < end, f"no answers: {self.failures[:3]}"
            assert not self.failures, self.failures[:3]
            time.sleep(0.01)

    def _ask(self, route: str) -> None:
        with httpx.Client(trust_env=False, timeout=30) as client:
            while not self._stop.is_set():
                try:
                    response = client.post(f"{self._base}{route}:predict", json=_BODY)
                    response.raise_for_status()
                    self.answers[route].append(response.json()["outputs"][0][0])
                except (httpx.HTTPError, KeyError) as error:
                    self.failures.append(f"{route}: {error!r} {getattr(getattr(error, 'response', None), 'text', '')}")
