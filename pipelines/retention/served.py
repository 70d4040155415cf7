"""Which pushed versions serve, or may have to serve again."""

from pathlib import Path

from serving.rollout import step_log
from serving.rollout.models_config import ModelsConfig
from serving.rollout.step_log import StepLog


def served_versions(serving: Path, task: str, on_disk: list[int]) -> dict[int, str]:
    """Returns the versions that models.config and the log of roll-outs name, with the reason for each.

    Without a models.config, or where it leaves the choice to the server, that is the newest version.

    Args:
        serving: the folder that models.config lies in.
        task: name of the model.
        on_disk: versions that are there.

    Raises:
        PreconditionError: models.config or the log cannot be understood: then nobody knows what serves.
    """
    newest = {max(on_disk): "the newest"} if on_disk else {}
    path = serving / "models.config"
    if not path.exists():
        return newest
    config = ModelsConfig.read(path)
    if task not in [one.name for one in config.message.model_config_list.config]:
        return newest
    log = StepLog(path.with_name(step_log.NAME))
    served = newest | dict.fromkeys(config.versions(task) or (), "served")
    for label, version in config.labels(task).items():
        served[version] = f"served as {label}"
        before = log.stable_before(task, version)
        if before is not None:
            served.setdefault(before, "what a rollback goes back to")
    if (record := log.unfinished_step(task)) is not None:
        named = (record.before.stable, record.before.canary, record.after.stable, record.after.canary)
        for version in filter(None, named):
            served.setdefault(version, f"part of an unfinished {record.command}")
    return served
