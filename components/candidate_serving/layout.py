"""A model as Pusher would push it, laid out for a model server: links and no copy."""

from pathlib import Path

from components.candidate_serving import warmup_records


def lay_out(model_dir: Path, records: Path, base: Path) -> None:
    """Makes `base` a folder of versions with one, which holds the model's files and the warm-up records."""
    model_dir = model_dir.resolve()
    version = base / "1"
    link = warmup_records.path_in(version)
    beside = link.parent  # a folder of its own, since something is added to it
    beside.mkdir(parents=True)
    for source, target in ((model_dir, version), (model_dir / beside.name, beside)):
        for path in source.iterdir() if source.is_dir() else ():
            if not (target / path.name).exists():
                (target / path.name).symlink_to(path)
    link.unlink(missing_ok=True)
    link.symlink_to(records.resolve())
