import subprocess

import pytest


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["environment/other_stack", "pytest"], "other_stack: expected make and its targets, received: pytest\n"),
        (
            ["environment/debian_root", "trixie"],
            "debian_root: expected a release and a command, as in: environment/debian_root trixie make test; "
            "received: trixie\n",
        ),
    ],
)
def test_a_call_that_makes_no_sense_says_how_to_call(command, message):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, message)
