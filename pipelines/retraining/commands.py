"""Run commands of this project, and the policy's program, in separate processes.

The commands change the state of their process: they handle signals, redirect output, move temporary files, fork with
TensorFlow loaded, and hold locks. See docs/decisions/0040-the-loop.md.
"""

import shlex
import subprocess
import sys
from collections.abc import Sequence


def run_command(package: str, *arguments: str) -> int:
    """Run `python -m <package> <arguments>` to its end, with output on this process's terminal.

    Args:
        package: `pipelines` or `serving`.
        *arguments: of the command line.

    Returns:
        The exit status; negative: the number of the signal that ended the command.

    Raises:
        KeyboardInterrupt: This process was interrupted; it has terminated the command.
    """
    print(f"$ {shlex.join(['python', '-m', package, *arguments])}", flush=True)
    # A separate process group: Ctrl-C reaches the command once, through this process.
    with subprocess.Popen([sys.executable, "-m", package, *arguments], process_group=0) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise


def tell(program: Sequence[str], text: str) -> str | None:
    """Run a program with a text on its standard input.

    Args:
        program: the program and its arguments.
        text: the message.

    Returns:
        Why the program failed; None if it succeeded.
    """
    try:
        ended = subprocess.run(program, input=text, encoding="utf-8", timeout=60, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return f"{program[0]} could not be run: {error}"
    return f"{program[0]} ended with {ended.returncode}" if ended.returncode else None
