"""A model server whose faults a test chooses: TensorFlow Serving's REST API, as far as the gateway uses it.

What it predicts is a plain function of the rows. tests/serving/gateway/test_real_model.py has the real thing.
"""

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import Receive, Scope, Send

from serving.contract import Contract

DTYPES = {"int64": "DT_INT64", "float32": "DT_FLOAT", "string": "DT_STRING"}


@dataclasses.dataclass
class ScriptedModel:
    """The application. A test changes its fields while it runs."""

    contract: Contract
    versions: list[str] = dataclasses.field(default_factory=lambda: ["1"])
    labels: dict[str, str] = dataclasses.field(default_factory=dict)  # empty: a server without labels
    predict: Callable[[dict[str, list[Any]]], Any] = lambda inputs: [[0.75]] * len(next(iter(inputs.values())))
    # What the next predictions end with instead, in this order: a status, "hang" (no answer), "cut" (a broken
    # connection) or a function of `send`.
    faults: list[Any] = dataclasses.field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = dataclasses.field(default_factory=list)  # path, body of each prediction
    signature: str = "serving_raw"
    inputs: dict[str, str] | None = None  # of the signature, name -> dtype; None: as the contract has them
    # Of the signature, name -> shape; None: unknown.
    outputs: dict[str, list[int] | None] = dataclasses.field(default_factory=lambda: {"predictions": [-1, 1]})
    # Other signatures, name -> what they say; they are not in `asked`.
    signatures: dict[str, Any] = dataclasses.field(default_factory=dict)
    busy: bool = False  # every call ends with 503

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message.get("more_body"):
                break
        if self.busy:
            await _answer(send, 503, {"error": "busy"})
        elif scope["method"] == "GET":
            await self._metadata(scope["path"], send)
        elif (name := json.loads(body).get("signature_name")) in self.signatures:
            await _answer(send, 200, {"outputs": self.signatures[name]})
        else:
            self.asked.append((scope["path"], json.loads(body)))
            await self._predict(*self.asked[-1], receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": message["type"] + ".complete"})
        await send({"type": "lifespan.shutdown.complete"})

    async def _metadata(self, path: str, send: Send) -> None:
        if "/labels/" in path:
            label = path.split("/labels/")[1].removesuffix("/metadata")
            if not self.labels:
                await _answer(send, 503, {"error": "Model labels does not init yet."})
                return
            if label not in self.labels:
                await _answer(send, 400, {"error": f"Unrecognized servable version label: {label}"})
                return
            version: str | None = self.labels[label]
        else:
            version = max(self.versions, key=int, default=None)
        if version not in self.versions:
            await _answer(send, 404, {"error": "Servable not found"})
            return
        of_contract = {feature.name: DTYPES[feature.kind.value] for feature in self.contract.features}
        taken = of_contract if self.inputs is None else self.inputs
        inputs = {name: {"dtype": dtype, "tensor_shape": {}, "name": name} for name, dtype in taken.items()}
        outputs = {name: _described(shape) for name, shape in self.outputs.items()}
        more: dict[str, Any] = {name: {"inputs": {}, "outputs": {}} for name in self.signatures}
        signatures = {
            "signature_def": {self.signature: {"outputs": outputs} | ({"inputs": inputs} if inputs else {})} | more
        }
        spec = {"name": "taxi", "signature_name": "", "version": version}
        await _answer(send, 200, {"model_spec": spec, "metadata": {"signature_def": signatures}})

    async def _predict(self, path: str, body: dict[str, Any], receive: Receive, send: Send) -> None:
        if self.faults:
            fault = self.faults.pop(0)
            if fault == "hang":
                await receive()  # until the gateway hangs up
            elif fault == "cut":
                # uvicorn closes the connection of an answer that ends too early.
                await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"99")]})
                await send({"type": "http.response.body", "body": b"{", "more_body": True})
            elif callable(fault):
                done: Awaitable[None] = fault(send)
                await done
            else:
                await _answer(send, fault, {"error": f"fault {fault}"})
            return
        version = path.split("/versions/")[1].removesuffix(":predict")
        if version not in self.versions:
            await _answer(send, 404, {"error": f"Servable not found for request: Specific(taxi, {version})"})
            return
        await _answer(send, 200, {"outputs": self.predict(body["inputs"])})


def _described(shape: list[int] | None) -> dict[str, Any]:
    sizes = [{"size": str(size), "name": ""} for size in shape or []]
    return {"dtype": "DT_FLOAT", "tensor_shape": {"dim": sizes, "unknown_rank": shape is None}, "name": "output"}


async def _answer(send: Send, status: int, content: object) -> None:
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def after(seconds: float, send: Send, content: object) -> None:
    """A fault: an answer that takes its time."""
    await asyncio.sleep(seconds)
    await _answer(send, 200, content)
