"""DVC, as a process of its own: its folder has no version control (`--no-scm`), so that it works in any folder."""

import configparser
import io
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pipelines.data_versions.errors import DataVersionError
from serving.durable_file import write_whole

ENDING = ".dvc"  # of the small file that stands for a data file
_REMOTE = "storage"
# What DVC says of a file that it has pushed: nothing, or, where its cache has it no more, this.
_ONLY_IN_REMOTE = "deleted"
# Data lie beside their .dvc files for moments only, and must not be committed with them.
_IGNORED = f"""*
!*/
!*{ENDING}
!.gitignore
!.dvcignore
!/.dvc/config
"""


class Dvc:
    """One DVC folder."""

    def __init__(self, root: Path, command: str):
        """Look at nothing yet.

        Args:
            root: the folder.
            command: DVC's name or path.
        """
        self.root = root
        self._command = command

    @property
    def exists(self) -> bool:
        """Whether the folder is one of DVC."""
        return self._config.is_file()

    @property
    def _config(self) -> Path:
        return self.root / ".dvc" / "config"

    def require_remote(self, remote: str | None) -> None:
        """Check that there is a remote, named now or before.

        Raises:
            DataVersionError: There is none.
        """
        if remote is None and not self.exists:
            raise DataVersionError(
                f"{self.root} names no remote: expected where DVC is to keep the data, a folder or such as "
                "s3://bucket/path; name it once, with --remote (make data-pin REMOTE=...)"
            )

    def prepare(self, remote: str | None) -> None:
        """Make the folder DVC's, and names the remote.

        Args:
            remote: a folder, or a URL; None: the one that was named before.
        """
        self._config.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.root / ".gitignore", _IGNORED)
        if remote is not None:
            self._write_config(remote if "://" in remote else str(Path(remote).absolute()))

    def _write_config(self, url: str) -> None:
        """Write DVC's configuration; what a person added to it, such as an endpoint, stays.

        The file itself, since each call of DVC takes a second: `dvc init --no-scm`, `dvc config` and `dvc remote add`
        write the same lines.
        """
        config = configparser.ConfigParser(interpolation=None)
        config.read(self._config, encoding="utf-8")
        # A link instead of a second copy, for as long as data lie beside their .dvc file.
        settings = {"core": {"no_scm": "True", "remote": _REMOTE}, "cache": {"type": "hardlink,copy"}}
        for section, values in (settings | {f'remote "{_REMOTE}"': {"url": url}}).items():
            if not config.has_section(quoted := f"'{section}'" if " " in section else section):
                config.add_section(quoted)
            config[quoted].update(values)
        text = io.StringIO()
        config.write(text)
        write_whole(self._config, text.getvalue())

    def add(self, files: Sequence[Path]) -> None:
        """Move files below the folder into DVC's cache, and writes a .dvc file beside each."""
        self._run("add", *self._names(files))

    def push(self, folder: Path) -> None:
        """Push what the .dvc files below a folder stand for, and checks that the remote has all of it.

        Raises:
            DataVersionError: The remote cannot be reached, or lacks a file that the cache has no more.
        """
        (name,) = self._names([folder])
        self._run("push", "--recursive", name)
        # `dvc push` ends with 0 where neither the cache nor the remote has a file.
        states = json.loads(self._run("status", "--cloud", "--json", "--recursive", name) or "{}")
        if lost := sorted(file for file, state in states.items() if state != _ONLY_IN_REMOTE):
            raise DataVersionError(
                f"the remote lacks {', '.join(lost[:5])}{' and more' if len(lost) > 5 else ''}: expected every pinned "
                "file in the remote or in DVC's cache, received files that are in neither; if the remote was emptied, "
                "remove their .dvc files and pin the data again"
            )

    def pull(self, pointers: Sequence[Path]) -> None:
        """Bring back the files that .dvc files stand for, each beside its own.

        Raises:
            DataVersionError: The remote cannot be reached, or lacks one.
        """
        self._run("pull", "--force", *self._names(pointers))

    def _names(self, paths: Sequence[Path]) -> list[str]:
        return [str(path.relative_to(self.root)) for path in paths]

    def _run(self, *arguments: str) -> str:
        """Run DVC and returns what it wrote to standard output."""
        environment = os.environ | {
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(self.root / ".dvc" / "tmp" / "site"),  # else below /var/tmp
        }
        try:
            ended = subprocess.run(
                [self._command, *arguments],
                cwd=self.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except OSError as error:
            raise DataVersionError(
                f"{self._command}: expected DVC's command, received {error.strerror}; `python -m environment.dvc` "
                "installs it and prints its path, for --dvc; make data-pin and make data-restore do so"
            ) from error
        if ended.returncode:
            said = ended.stderr.strip() or ended.stdout.strip() or "nothing"
            raise DataVersionError(
                f"`dvc {' '.join(arguments[:4])}` in {self.root}: expected status 0, received {ended.returncode}; it "
                f"said: {said}"
            )
        return ended.stdout
