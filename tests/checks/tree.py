# SPDX-License-Identifier: Apache-2.0
"""What a check looks at: the text files of the project, and the problems it can report about them."""
import os
import subprocess
from pathlib import Path

CODE = {".cpp", ".h"}
SCRIPTS = {".py", ".sh", ".cmake"}
NOT_OURS = {"LICENSE"}  # Text that must stay as its authors wrote it.
NOT_SOURCE = ("build", ".git", "__pycache__")


class Unavailable(Exception):
    """The check cannot run here; the text says what is missing."""


class File:
    """One file of the project; `path` is relative to the root, with forward slashes."""

    def __init__(self, root, path):
        self.root = root
        self.path = path
        self.name = path.rsplit("/", 1)[-1]
        self.suffix = Path(path).suffix
        self._text = None

    @property
    def text(self):
        if self._text is None:
            self._text = (Path(self.root) / self.path).read_bytes().decode("utf-8", errors="replace")
        return self._text

    @property
    def lines(self):
        return self.text.splitlines()

    @property
    def is_code(self):
        return self.suffix in CODE

    @property
    def is_shell(self):
        return self.suffix == ".sh" or (self.suffix == "" and self._shebang_names(("/bin/sh", "bash")))

    @property
    def is_source(self):
        """Written by us in a language with comments, so the licence line belongs on top."""
        return (
            self.is_code or self.suffix in SCRIPTS or self.path.endswith(".cpp.in")
            or self.name == "CMakeLists.txt" or self.is_shell
        )

    def at(self, line, problem):
        return f"{self.path}:{line}: {problem}"

    def _shebang_names(self, shells):
        first = self.text.split("\n", 1)[0]
        return first.startswith("#!") and first.rstrip().endswith(shells)


def files(root):
    """The project's files: what git tracks or would track; where git knows none, all outside build folders."""
    paths = _git_files(root) or _walked_files(root)
    return [File(root, path) for path in sorted(paths) if not _is_elsewhere(path)]


def _is_elsewhere(path):
    return path in NOT_OURS or any(part in NOT_SOURCE for part in path.split("/"))


def _git_files(root):
    git = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        result = subprocess.run(git, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return set()
    paths = result.stdout.decode("utf-8", errors="replace").split("\0")
    return {path for path in paths if path and (Path(root) / path).is_file()}


def _walked_files(root):
    found = set()
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in NOT_SOURCE]
        found |= {Path(folder, name).relative_to(root).as_posix() for name in names}
    return found
