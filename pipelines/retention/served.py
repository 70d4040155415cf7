"""Find the pushed versions that serve, or that a roll-out may bring back."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from serving.rollout import step_log
from serving.rollout.models_config import ModelsConfig
from serving.rollout.step_log import StepLog


def served_versions(serving: Path, task: str, on_disk: list[int]) -> dict[int, str]:
    """Return the versions that models.config and the log of roll-outs name, with the reason for each.

    Without a models.config, or if it has no version policy, the newest version is served.

    Args:
        serving: the folder of models.config.
        task: name of the model.
        on_disk: versions in the folder.

    Raises:
        PreconditionError: models.config or the log cannot be read, so it is not known what serves.
    """
    newest = {max(on_disk): "the newest"} if on_disk else {}
    path = serving / "models.config"
    if not path.exists():
        return newest
    config = ModelsConfig.read(path)
    log = StepLog(path.with_name(step_log.NAME))
    served = newest
    for model in config.message.model_config_list.config:
        if task in (model.name, PurePosixPath(model.base_path).name):  # The server's name may differ.
            served |= dict.fromkeys(_loaded(model.model_version_policy, on_disk), "served")
            served |= {version: f"served as {label}" for label, version in model.version_labels.items()}
            for version, reason in _may_come_back(log, model.name, model.version_labels.values()):
                served.setdefault(version, reason)
    return served


def _loaded(policy: Any, on_disk: list[int]) -> Sequence[int]:
    """Return the versions that a server loads under a ServableVersionPolicy; the newest if it makes no choice."""
    choice = policy.WhichOneof("policy_choice")
    if choice == "specific":
        return list(policy.specific.versions)
    return sorted(on_disk)[-(len(on_disk) if choice == "all" else max(policy.latest.num_versions, 1)) :]


def _may_come_back(log: StepLog, model: str, labelled: Iterable[int]) -> Iterator[tuple[int, str]]:
    """Yield the versions that may serve again according to the log of roll-outs, and why."""
    for version in labelled:
        before = log.stable_before(model, version)
        if before is not None:
            yield before, "the version that a rollback restores"
    if (record := log.unfinished_step(model)) is not None:
        named = (record.before.stable, record.before.canary, record.after.stable, record.after.canary)
        for version in filter(None, named):
            yield version, f"part of an unfinished {record.command}"
