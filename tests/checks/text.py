# SPDX-License-Identifier: Apache-2.0
"""Text that must hold on anyone's machine: a licence line, no place that only one machine has, no package host."""
import re

LICENCE = "SPDX-License-Identifier: Apache-2.0"
MACHINE_PATH = re.compile(r"(?<![\w.$}~*-])/(work|home|root|Users|workspace|workspaces)/[\w.]|(?<![\w.$}-])/tmp/[\w.$-]")
PACKAGE_HOST = re.compile(
    r"\b(deb\.debian\.org|security\.debian\.org|archive\.ubuntu\.com|pypi\.org|files\.pythonhosted\.org"
    r"|registry\.npmjs\.org|static\.crates\.io|proxy\.golang\.org|center\.conan\.io"
    r"|docker\.io|ghcr\.io|quay\.io|gcr\.io)\b")


def problems(files):
    return [problem for file in files for problem in licence_problems(file) + place_problems(file)]


def licence_problems(file):
    if not file.is_source:
        return []
    lines = file.lines
    first = 1 if lines and lines[0].startswith("#!") else 0
    if len(lines) > first and LICENCE in lines[first]:
        return []
    return [file.at(first + 1, f"the first line (after #!) must be a comment with “{LICENCE}”")]


def place_problems(file):
    found = []
    for number, line in enumerate(file.lines, start=1):
        if MACHINE_PATH.search(line):
            found.append(file.at(number, "a path of one machine; use a relative one, or mktemp and the like"))
        if PACKAGE_HOST.search(line):
            found.append(file.at(number, "a package host; which one is used is the machine's own setting"))
    return found


def source(text):
    return f"// {LICENCE}\n{text}\n"


BAD = [
    ("agent/a.cpp", "#include <string>\n", "first line"),
    ("tests/a.sh", "#!/bin/sh\nexit 0\n", "first line"),
    ("tools/run", "#!/usr/bin/env bash\nexit 0\n", "first line"),
    ("agent/CMakeLists.txt", "add_subdirectory(base)\n", "first line"),
    ("agent/a.cpp", source('open("/' + 'home/somebody/log")'), "path of one machine"),
    ("README.md", "Run /" + "work/main/tests/run.sh\n", "path of one machine"),
    ("tests/a.cpp", source('open("/' + 'tmp/outrider.db")'), "path of one machine"),
    ("packaging/a.md", "deb http://deb." + "debian.org/debian stable main\n", "package host"),
    ("packaging/Dockerfile", "FROM docker." + "io/library/debian\n", "package host"),
]
GOOD = [
    ("agent/a.cpp", source('open("/var/lib/outrider"); // work/main, /proc/self/fd, https://a.example/home/b')),
    ("tests/a.sh", f"#!/bin/sh\n# {LICENCE}\ncd \"$HOME/work\" && mktemp -d\n"),
    ("config/a.json", "{}\n"),
    ("README.md", "Debian's packages are listed in `packaging/dependencies`.\n"),
]
