#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one check over the project, or proves that the check can fail.

    check.py NAME ROOT          prints one line per problem; exit code 1 if there is any, 77 if it cannot run here
    check.py NAME --self-test   runs it over its own samples: each bad one must be found, no good one may be

A check is a module beside this file with `problems(files)` and two tables of samples: BAD (path, text, words that the
problem must contain) and GOOD (path, text).
"""
import importlib
import sys
import tempfile
from pathlib import Path

import tree

SKIPPED = 77  # What ctest is told to take as "skipped".


def run(check, root):
    found = tree.files(root)
    if not found:
        print(f"no files under {root}: nothing was checked")
        return 1
    problems = check.problems(found)
    for problem in problems:
        print(problem)
    print(f"{len(found)} files, {len(problems)} problems")
    return 1 if problems else 0


def problems_of_sample(check, path, text):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return check.problems([tree.File(folder, path)])


def self_test(check):
    failures = []
    for path, text, words in check.BAD:
        found = problems_of_sample(check, path, text)
        if not any(words in problem for problem in found):
            failures.append(f"{path}: {text!r} must be refused with “{words}”, but the check said {found}")
    for path, text in check.GOOD:
        found = problems_of_sample(check, path, text)
        if found:
            failures.append(f"{path}: {text!r} is fine, but the check said {found}")
    for failure in failures:
        print(failure)
    print(f"{len(check.BAD)} bad and {len(check.GOOD)} good samples, {len(failures)} taken wrongly")
    return 1 if failures or not check.BAD or not check.GOOD else 0


def main(arguments):
    if len(arguments) != 2:
        print(__doc__)
        return 2
    name, what = arguments
    check = importlib.import_module(name)
    try:
        return self_test(check) if what == "--self-test" else run(check, what)
    except tree.Unavailable as reason:
        print(f"SKIPPED: {reason}")
        return SKIPPED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
