"""`gateway`: run the gateway for end users."""

from pathlib import Path
from typing import Any

from serving.cli.usage import UsageError

SETTINGS = Path(__file__).resolve().parents[1] / "gateway"

EPILOGUE = """A variable overrides any setting: GATEWAY__LIMITS__ROWS=100 sets rows in
[limits].

Exit status: 0 after SIGTERM or SIGINT; 1 the port could not be served; 2 the
gateway cannot start with these settings.
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
    """Run the gateway for end users: typed JSON in, predictions out.

    With --var, the gateway reads the canary's share from
    <var>/serving/traffic.json, logs requests to <var>/requests/<task>/, and
    stores outcomes in <var>/feedback/<task>/. With several tasks, <task> is
    the name of the model.

    Args:
        settings: The gateway's TOML file; without it, serving/gateway/<task>.toml. Repeat it for several tasks.
        task: The task whose settings to use.
        var: Folder for the request log and the outcomes, and of the canary's share; without it, as the settings say.
        host: Address to listen on; without it, as the settings say.
        port: Port to listen on, 0 for a free port; without it, as the settings say.
        model_server: URL of the model server's REST port; without it, as the settings say.
        allow_no_keys: Listen beyond this machine without API keys, for example behind a proxy.

    Returns:
        The exit status.

    Raises:
        UsageError: The task is empty.
    """
    if not task:
        raise UsageError("--task: expected a name, received nothing")
    from serving.gateway import process  # import late: --help does not need FastAPI

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
