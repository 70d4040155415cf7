"""Make the files that serve a task's pushed models on this machine from those of the deployment."""

from pathlib import Path

from serving import durable_file

_DEPLOYED = Path(__file__).resolve().parents[1] / "deploy" / "model_server"
MONITORING = _DEPLOYED / "monitoring.config"


def models_config(folder: Path, task: str) -> Path:
    """Return the folder's models.config; write it if it does not exist.

    An existing file is kept: roll-outs store their state in it.

    Args:
        folder: the folder with a sub-folder of pushed versions for each task.
        task: the model's name.

    Returns:
        The path of models.config.

    Raises:
        OSError: The folder cannot be written.
    """
    path = folder / "models.config"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        text = (_DEPLOYED / path.name).read_text(encoding="utf-8")
        text = text.replace("/models/taxi", str(folder.resolve() / task)).replace('"taxi"', f'"{task}"')
        durable_file.write_whole(path, text)
    return path
