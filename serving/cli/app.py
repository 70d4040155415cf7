"""Read the command line, run a subcommand, and end the process with its exit status."""

import sys
from typing import NoReturn

from cyclopts import App

from serving.cli import clients, feedback, gateway, rollout, server, signing
from serving.cli.usage import OPTION_STYLE, execute
from serving.process_control import exit_now, print_on_any_terminal

app = App(
    name="python -m serving",
    help="Serve the pushed models: a model server, the gateway for end users, and roll-outs.",
    help_epilogue="""Examples:
  python -m serving server --task taxi            REST on 8501, gRPC on 8500
  python -m serving gateway --task taxi           page and API on 8080
  python -m serving rollout canary 2 --percent 10
  python -m serving feedback import outcomes.csv --var var
  python -m serving clients                       build a TypeScript client

Each command has its own help: python -m serving rollout canary --help.
""",
    help_format="plaintext",
    version_flags=(),
    default_parameter=OPTION_STYLE,
)
app.command(server.server, help_flags=(), sort_key=0)  # it has TensorFlow Serving's flags, and reads --help itself
app.command(gateway.gateway, help_epilogue=gateway.EPILOGUE, sort_key=1)
app.command(rollout.app.meta, name="rollout")
app.command(feedback.app)
app.command(clients.clients, help_epilogue=clients.EPILOGUE, sort_key=3)
app.command(signing.keygen, help_epilogue=signing.KEYGEN_EPILOGUE, sort_key=4)
app.command(signing.verify, help_epilogue=signing.VERIFY_EPILOGUE, sort_key=4)


def main() -> NoReturn:
    """Run the command line of this process."""
    print_on_any_terminal()
    status = execute(app, sys.argv[1:])
    if "tensorflow" in sys.modules:
        exit_now(status)
    sys.exit(status)
