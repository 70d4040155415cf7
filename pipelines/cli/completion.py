"""`completion`: print a script with which a shell completes this command's words."""

from typing import Literal

EPILOGUE = """Examples:
  source <(tfx-pipeline completion bash)    in this shell; in ~/.bashrc for all
  tfx-pipeline completion fish > ~/.config/fish/completions/tfx-pipeline.fish
"""


def completion(shell: Literal["bash", "zsh", "fish"]) -> int:
    """Print a script that completes tfx-pipeline's words in a shell.

    Args:
        shell: The shell.

    Returns:
        The exit status.
    """
    from pipelines.cli.app import SCRIPT, app  # import late: the app imports this module

    print(app.generate_completion(prog_name=SCRIPT, shell=shell))
    return 0
