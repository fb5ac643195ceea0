# SPDX-License-Identifier: Apache-2.0
"""What the checks about includes share."""
import re

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def of(file):
    """(line number, included name) of every include in the file."""
    for number, line in enumerate(file.lines, start=1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1)


def is_product(file):
    """Code that ships. Tests open what they have to."""
    return file.is_code and file.path.startswith(("agent/", "platform/"))
