"""Readiness of several tasks: no model server waits for another."""

import asyncio
import types
from typing import Any

import fastapi
import httpx

from serving.gateway import readiness
from serving.gateway.admission import Admission
from serving.gateway.api_keys import ApiKeys
from serving.gateway.version_router import RouteTarget


def test_tasks_are_asked_at_once() -> None:
    """A probe has seconds: servers that hang one after another would take all of them."""

    async def probe() -> httpx.Response:
        both = asyncio.Barrier(2)

        async def target(*, canary: bool) -> RouteTarget:
            async with asyncio.timeout(5):
                await both.wait()  # ends once both wait
            return RouteTarget("1", None)

        def task(name: str) -> Any:
            router = types.SimpleNamespace(target=target)
            return types.SimpleNamespace(settings=types.SimpleNamespace(endpoint=name), router=router, prefix=name)

        app = fastapi.FastAPI()
        readiness.add_probes(app, [task("a"), task("b")], Admission(ApiKeys({}, None), 0, None))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
            return await client.get("/readyz")

    ready = {"status": "ready", "model_version": "1", "model_label": None}
    assert asyncio.run(probe()).json() == {"status": "ready", "tasks": {"a": ready, "b": ready}}
