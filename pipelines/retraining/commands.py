"""The product's own commands, each as a process of its own.

They change what belongs to a process: they take signals, redirect its output, move its temporary files, fork with
TensorFlow loaded, and hold locks. docs/decisions/0040-the-loop.md says more.
"""

import shlex
import subprocess
import sys
from collections.abc import Sequence


def run_command(package: str, *arguments: str) -> int:
    """Runs `python -m <package> <arguments>` to its end; what it says goes to this process's terminal.

    Args:
        package: `pipelines` or `serving`.
        *arguments: of the command line.

    Returns:
        Its exit status; negative: the signal that ended it.

    Raises:
        KeyboardInterrupt: This process was told to end; so was the command, and it has ended.
    """
    print(f"$ {shlex.join(['python', '-m', package, *arguments])}", flush=True)
    # In a process group of its own: Ctrl-C reaches it once, by way of this process.
    with subprocess.Popen([sys.executable, "-m", package, *arguments], process_group=0) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise


def tell(program: Sequence[str], text: str) -> str | None:
    """Runs a program with a text on its standard input.

    Returns:
        Why the text did not reach it; None when it did.
    """
    try:
        ended = subprocess.run(program, input=text, encoding="utf-8", timeout=60, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return f"{program[0]} could not be told: {error}"
    return f"{program[0]} ended with {ended.returncode}" if ended.returncode else None
