import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path("Makefile").read_text()


def make(*arguments: str) -> str:
    # What a make around these tests was given must not reach this one.
    environment = {"PATH": os.environ["PATH"]}
    return subprocess.run(["make", *arguments], env=environment, capture_output=True, text=True, check=True).stdout


def test_help_is_the_default_and_fits_a_screen():
    assert make() == make("help")
    assert len(make().splitlines()) <= 30
    assert max(map(len, make().splitlines())) <= 120


def test_help_names_every_target_once():
    targets = re.findall(r"^([a-z][a-z-]*):", MAKEFILE, flags=re.MULTILINE)
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, flags=re.MULTILINE)
    assert phony
    assert sorted(targets) == sorted(phony[1].split())
    named = ", ".join(column.strip() for column in re.findall(r"^  (\S.{28})  ", make(), flags=re.MULTILINE))
    assert sorted(["help", *named.split(", ")]) == sorted(targets)


def test_help_names_every_variable():
    internal = {"CURDIR", "HELP", "STAMP", "RUN", "ROLL", "SEARCH", "DVC"}
    used = set(re.findall(r"\$\((?:value |call quoted,)?([A-Z_]+)\)", MAKEFILE)) - internal
    groups = re.findall(r"\(([A-Z_, ]+)\)", " ".join(make().split()))
    assert used == set(", ".join(groups).split(", "))


@pytest.mark.parametrize(
    ("variables", "options"),
    [
        ([], ["--task", "'taxi'", "--var", "'var'"]),
        (["DATA=my trips", "VAR=/tmp/v"], ["--task", "'taxi'", "--var", "'/tmp/v'", "--data", "'my", "trips'"]),
        (
            ["TASK=own", "TRAIN_STEPS=9", "FORCE=1", "VERBOSE=1"],
            ["--task", "'own'", "--var", "'var'", "--train-steps", "'9'", "--force", "--verbose"],
        ),
    ],
)
def test_run_local_hands_its_variables_on(variables, options):
    words = make("--dry-run", "run-local", *variables).replace("\\\n", " ").split()
    assert words[words.index("pipelines") + 1 :] == ["run", *options]


def test_kubeflow_compile_writes_the_graph_and_compiles_it():
    variables = ["TASK=own", "VAR=/v", "IMAGE=i@sha256:0", "NODE=--train-steps 9", "KUBEFLOW=--claim mine"]
    lines = make("--dry-run", "kubeflow-compile", *variables).replace("\\\n", " ").splitlines()[-2:]
    graph, compiled = (shlex.split(line[line.index(" -m pipelines ") :])[2:] for line in lines)
    file = "/v/kubeflow/own.json"
    assert graph == ["node", "--graph", file, "--task", "own", "--var", "/v", "--train-steps", "9"]
    out = ["--image", "i@sha256:0", "--out", "/v/kubeflow/own.yaml", "--claim", "mine"]
    assert compiled == ["compile", "kubeflow", "--graph", file, *out]


@pytest.mark.parametrize("target", ["rollout-status", "pin", "canary", "compare", "promote", "rollback"])
def test_options_of_a_roll_out_follow_its_command(target):
    words = make("--dry-run", target, "VERSION=2", "PERCENT=5", "ROLLOUT=--drain 1").replace("\\\n", " ").split()
    assert words[-2:] == ["--drain", "1"]
    assert target.removeprefix("rollout-") in words[words.index("serving") : -2]


@pytest.mark.parametrize(("variables", "acts"), [([], []), (["ROLLBACK_ON_FAIL=1"], ["--rollback-on-fail"])])
def test_compare_rolls_back_only_when_told_to(variables, acts):
    words = make("--dry-run", "compare", "REQUESTS=my log", *variables).split()
    assert words[words.index("compare") :] == ["compare", "'my", "log'", *acts]


@pytest.mark.parametrize(
    "value",
    [
        "Price ($)",
        "Customer's age",
        "it's 5 $(",
        "a $b $$c ${d}",
        'say "yes"',
        "back\\slash",
        "two\nlines",
        "a # b",
        "größe",
    ],
)
def test_values_reach_the_command_untouched(value: str) -> None:
    # The command is made to print its arguments, one after another.
    script = "python3 -c 'import sys; print(sys.argv[1:])'"
    given = [f"{name}={value}" for name in ("NAME", "CSV", "LABEL", "TEXT")]
    made = make("new-task", "--old-file=.venv/.synced-auto", f"RUN={script}", *given)
    options = [word for option in ("--name", "--csv", "--label", "--text") for word in (option, value)]
    assert made == f"{['-m', 'pipelines', 'new-task', *options]}\n"


def test_an_overlay_stays_one_word() -> None:
    words = shlex.split(make("--dry-run", "deploy-render", "OVERLAY=it's $mine", "IMAGES=a@b c@d"))
    assert words[-4:] == ["environment.manifests", "it's $mine", "--images", "a@b c@d"]


def test_a_folder_with_an_apostrophe_stays_one_word() -> None:
    for target in ("run-local", "report", "tune", "serve", "gateway", "rollback", "data", "bench"):
        words = shlex.split(make("--dry-run", target, "VAR=it's here"))
        assert [word for word in words if word.startswith("it's here")], target
