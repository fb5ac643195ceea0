# SPDX-License-Identifier: Apache-2.0
"""Shell scripts hold what shellcheck knows about quoting and portability."""
import shutil
import subprocess
from pathlib import Path

import tree


def problems(files):
    scripts = {str(Path(file.root, file.path)): file for file in files if file.is_shell}
    if not scripts:
        return []
    tool = shutil.which("shellcheck")
    if tool is None:
        raise tree.Unavailable("shellcheck is not installed")
    command = [tool, "--external-sources", "--source-path=SCRIPTDIR", "--format=gcc", *scripts]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    found = result.stdout.splitlines()
    if result.returncode != 0 and not found:
        return [f"shellcheck failed: {result.stderr.strip()}"]
    return [relative(scripts, line) for line in found]


def relative(scripts, line):
    path, _, rest = line.partition(":")
    return f"{scripts[path].path if path in scripts else path}:{rest}"


BAD = [
    ("tests/a.sh", "#!/bin/sh\nrm -r $1/cache\n", "SC2086"),
    ("tools/run", "#!/usr/bin/env bash\ncd somewhere\n", "SC2164"),
]
GOOD = [("tests/a.sh", '#!/bin/sh\nrm -r "$1/cache"\n'), ("tests/a.py", "rm -r $1\n")]
