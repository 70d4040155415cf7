"""The files that serve a task's pushed models on this machine, made from those of the deployment."""

from pathlib import Path

from serving import durable_file

_DEPLOYED = Path(__file__).resolve().parents[1] / "deploy" / "model_server"
MONITORING = _DEPLOYED / "monitoring.config"


def models_config(folder: Path, task: str) -> Path:
    """Return the folder's models.config. Writes it if it is not there: a roll-out keeps its state in it.

    Args:
        folder: below it lie the pushed versions, in a folder named as the task.
        task: the model's name.

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
