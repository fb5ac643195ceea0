#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy over our own files of a build folder, several at a time:  tidy.py BUILD_FOLDER JOBS [FILE…]

Prints what it finds and, last, one line for the table of tests/run.sh: cases, passed, failed, skipped, why.
"""
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OURS = ("agent", "platform", "tests")


def own_files(build):
    """Our compiled files, largest first so that the last ones to finish are quick."""
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    compiled = {Path(command["directory"], command["file"]).resolve() for command in commands}
    ours = [file for file in compiled if any(file.is_relative_to(ROOT / folder) for folder in OURS)]
    return sorted(ours, key=lambda file: -file.stat().st_size)


def tidy(build, file):
    command = ["clang-tidy", "-p", str(build), "--quiet", str(file)]
    return file, subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def main(build, jobs, *chosen):
    build = Path(build)
    files = [Path(file).resolve() for file in chosen] or own_files(build)
    failed = 0
    with ThreadPoolExecutor(int(jobs)) as pool:
        for file, result in pool.map(lambda file: tidy(build, file), files):
            if result.returncode != 0:
                failed += 1
                print(f"-- {file.relative_to(ROOT)}\n{result.stdout or result.stderr}", flush=True)
    print(f"{len(files)}\t{len(files) - failed}\t{failed}\t0\t")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
