"""`gateway`: what end users call."""

from pathlib import Path
from typing import Any

from serving.cli.usage import UsageError

SETTINGS = Path(__file__).resolve().parents[1] / "gateway"

EPILOGUE = """Any setting can be given as a variable too: GATEWAY__LIMITS__ROWS=100 sets rows
in [limits].

Exit status: 0 after SIGTERM or SIGINT; 1 the port could not be served; 2 it
cannot start with these settings.
"""


def gateway(
    *,
    settings: list[Path] | None = None,
    task: str = "taxi",
    var: Path | None = None,
    host: str | None = None,
    port: int | None = None,
    model_server: str | None = None,
    allow_no_keys: bool = False,
) -> int:
    """Serve what end users call: typed JSON in, predictions out.

    Args:
        settings: TOML file, instead of the task's own, serving/gateway/<task>.toml; several, one for each task, to
            serve several.
        task: Whose settings to take.
        var: Read the canary's share from <var>/serving/traffic.json, log requests to <var>/requests/<task>/, and
            keep outcomes in <var>/feedback/<task>/; of several tasks, <task> is the name of the model.
        host: Address to listen on, instead of the settings'.
        port: Port to listen on, 0 for a free one, instead of the settings'.
        model_server: The URL of its REST port, instead of the settings'.
        allow_no_keys: Listen beyond this machine without API keys, behind a proxy for example.
    """
    if not task:
        raise UsageError("--task: expected a name, received nothing")
    from serving.gateway import process  # Imported here: it loads FastAPI, which --help need not wait for.

    files = settings or [SETTINGS / f"{task}.toml"]

    def flags(model: str) -> dict[str, Any]:
        folder = model if len(files) > 1 else task
        given = {
            "listen.host": host,
            "listen.port": port,
            "model.server": model_server,
            "traffic": var and str(var / "serving" / "traffic.json"),
            "request_log.folder": var and str(var / "requests" / folder),
            "feedback.folder": var and str(var / "feedback" / folder),
        }
        return {name: value for name, value in given.items() if value is not None}

    return process.run(files, flags, allow_no_keys=allow_no_keys)
