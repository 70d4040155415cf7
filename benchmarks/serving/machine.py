"""Describe the machine that the figures were taken on."""

import importlib.metadata
import os
import platform
from typing import Any

import psutil

_PACKAGES = ("tensorflow", "tensorflow-serving-api", "grpcio", "protobuf", "numpy", "uvicorn", "starlette", "locust")


def describe() -> dict[str, Any]:
    """Return cores, memory, versions, and the machine's load now."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "platform": platform.platform(),
        "load_average_1_min": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
    }
