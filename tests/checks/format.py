# SPDX-License-Identifier: Apache-2.0
"""C++ looks as clang-format and .clang-format at the root say."""
import re
import shutil
import subprocess
from pathlib import Path

import tree

STYLE = Path(__file__).resolve().parents[2] / ".clang-format"
FINDING = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+):\d+: error: ", re.MULTILINE)


def problems(files):
    code = {str(Path(file.root, file.path)): file for file in files if file.is_code}
    if not code:
        return []
    tool = shutil.which("clang-format")
    if tool is None:
        raise tree.Unavailable("clang-format is not installed")
    command = [tool, f"--style=file:{STYLE}", "--dry-run", "-Werror", *code]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    first_lines = {}
    for match in FINDING.finditer(result.stderr):
        first_lines.setdefault(match["file"], int(match["line"]))
    if result.returncode != 0 and not first_lines:
        return [f"clang-format failed: {result.stderr.strip()}"]
    return [code[file].at(line, "not formatted from here on; clang-format -i puts it right")
            for file, line in sorted(first_lines.items())]


BAD = [
    ("agent/a.cpp", "int  main( ) { return 0 ; }\n", "not formatted"),
    ("agent/a.h", "class A {\npublic:\n  int a();\n};\n", "not formatted"),
]
GOOD = [("agent/a.cpp", "int main() { return 0; }\n"), ("agent/a.py", "int  main( )\n")]
