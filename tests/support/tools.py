# SPDX-License-Identifier: Apache-2.0
"""Programs of the system that a test needs, and the machine that does not have them."""
import os
import shutil
import subprocess


class Unavailable(Exception):
    """This machine cannot do it; the text says what is missing."""


def find(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def must_have(programs):
    if missing := [program for program in programs if find(program) is None]:
        raise Unavailable(f"{', '.join(missing)} is not installed")


def run(*command):
    done = subprocess.run([find(command[0]), *map(str, command[1:])], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout.strip()
