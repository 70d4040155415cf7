"""`clients`: clients of a gateway in other languages."""

import sys
from pathlib import Path

EPILOGUE = """Exit status: 0 the client is there; 1 it could not be made.
"""


def clients(
    *,
    url: str = "http://127.0.0.1:8080",
    out: Path = Path("var/clients/typescript"),
    key_file: Path | None = None,
) -> int:
    """Make the TypeScript client of a running gateway, from its own description. Needs Node.js and npm.

    Args:
        url: Of the gateway.
        out: Folder for the package.
        key_file: File whose first line is an API key, where the gateway needs one.
    """
    from serving.client.typescript_build import (  # Imported here: --help need not wait for httpx.
        ClientBuildError,
        build,
    )

    try:
        key = key_file.read_text(encoding="utf-8").split("\n", 1)[0].strip() if key_file else None
        build(url, out, key)
    except (ClientBuildError, OSError) as error:
        print(f"python -m serving clients: error: {error}", file=sys.stderr)
        return 1
    print(f"client   {out}: import {out}/dist/client.js")
    return 0
