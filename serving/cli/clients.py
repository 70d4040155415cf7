"""`clients`: build clients of a gateway in other languages."""

import sys
from pathlib import Path

EPILOGUE = """Exit status: 0 the client was built; 1 it could not be built.
"""


def clients(
    *,
    url: str = "http://127.0.0.1:8080",
    out: Path = Path("var/clients/typescript"),
    key_file: Path | None = None,
) -> int:
    """Build the TypeScript client of a running gateway from its OpenAPI description. Requires Node.js and npm.

    Args:
        url: The gateway's URL.
        out: Folder for the package.
        key_file: File whose first line is an API key, if the gateway requires one.

    Returns:
        The exit status.
    """
    from serving.client.typescript_build import (  # import late: --help does not need httpx
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
