"""Make the files that serve a task's pushed models on this machine from those of the deployment."""

from pathlib import Path

from serving import durable_file, file_lock

_DEPLOYED = Path(__file__).resolve().parents[1] / "deploy" / "model_server"
MONITORING = _DEPLOYED / "monitoring.config"


_ROLLOUT_LOCK = "rollout.lock"  # that of `python -m serving rollout`, which rewrites models.config, too


def models_config(folder: Path, task: str) -> Path:
    """Return the folder's models.config, which lists the task's model.

    Write the file if it does not exist. Add the model if the file does not list it, and keep everything else: roll-outs
    store their state there, and people edit it.

    Args:
        folder: the folder with a sub-folder of pushed versions for each task.
        task: the model's name.

    Returns:
        The path of models.config.

    Raises:
        ServingError: The file is not a ModelServerConfig.
        ValueError: The model cannot be added to the file.
        FileLockedError: A roll-out is changing the file.
        OSError: The folder cannot be written.
    """
    from serving.server import config  # import late: --help needs no gRPC

    path = folder / "models.config"
    folder.mkdir(parents=True, exist_ok=True)
    if path.exists() and task in config.model_names(path):
        return path
    with file_lock.exclusive(folder / _ROLLOUT_LOCK, f"server --task {task}"):
        base = str(folder.resolve() / task)
        if not path.exists():
            text = (_DEPLOYED / path.name).read_text(encoding="utf-8")
            text = text.replace("/models/taxi", base).replace('"taxi"', f'"{task}"')
        else:
            text = config.with_model(path, task, base)
        durable_file.write_whole(path, text)
    return path
