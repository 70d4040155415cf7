"""Build the TypeScript client of a running gateway: types generated from its OpenAPI description, compiled."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx

_PACKAGE = Path(__file__).with_name("typescript")
_FILES = ("package.json", "package-lock.json", "tsconfig.json", "src/client.ts")
_TIMEOUT_SECONDS = 10.0  # for the description
_STEPS = (
    # Do not run install scripts: none of these packages needs one.
    ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"),
    ("npm", "run", "--silent", "generate"),
    ("npm", "run", "--silent", "build"),
)


class ClientBuildError(RuntimeError):
    """The client cannot be built. The message says what failed, what was expected and what to do."""


def build(url: str, out: Path, api_key: str | None = None) -> None:
    """Build the client in a folder, replacing an earlier one.

    Args:
        url: the gateway's URL.
        out: the folder: an npm package with its sources, and `dist` to import.
        api_key: if the gateway requires one for its description.

    Raises:
        ClientBuildError: npm or the description is missing, or a step fails.
        OSError: The folder cannot be written.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise ClientBuildError(
            "npm: expected Node.js 18.17 or newer with npm on PATH, found none; install it, on Debian with "
            "`sudo apt-get install nodejs npm`."
        )
    description = fetch_description(url, api_key)
    (out / "src").mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        shutil.copyfile(_PACKAGE / name, out / name)
    (out / "openapi.json").write_text(json.dumps(description, indent=1), encoding="utf-8")
    for step in _STEPS:
        done = subprocess.run(
            [npm, *step[1:]], cwd=out, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode:
            raise ClientBuildError(
                f"`{' '.join(step)}` in {out}: expected status 0, received {done.returncode}:\n{done.stdout}"
            )


def fetch_description(url: str, api_key: str | None = None) -> dict[str, Any]:
    """Fetch a gateway's OpenAPI description.

    Args:
        url: the gateway's URL.
        api_key: if the gateway requires one.

    Returns:
        The description.

    Raises:
        ClientBuildError: There is no answer, or it is not a description.
    """
    address = f"{url.rstrip('/')}/openapi.json"
    try:
        response = httpx.get(address, headers={"X-API-Key": api_key} if api_key else {}, timeout=_TIMEOUT_SECONDS)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise ClientBuildError(
            f"{address}: expected a gateway, received none ({error}); start one with `make gateway`, or pass its URL."
        ) from error
    if response.status_code == httpx.codes.UNAUTHORIZED:
        received = "another" if api_key else "none"
        raise ClientBuildError(
            f"{address}: expected a valid API key, received {received}; pass a file with --key-file."
        )
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict) or "openapi" not in found:
        raise ClientBuildError(
            f"{address}: expected an OpenAPI description, received status {response.status_code} and "
            f"{response.text[:100]!r}; check the gateway's URL."
        )
    return found
