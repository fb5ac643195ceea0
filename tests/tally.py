#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the cases in a JUnit file of ctest and prints them as one line: cases, passed, failed, skipped, why.

A doctest program counts with the cases it reports; any other test is one case. A line of output with "SKIPPED: reason"
stands for a case that could not do its work: it is not counted as passed.
"""
import re
import sys
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field

DOCTEST = re.compile(r"test cases:\s*\d+\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed\s*\|\s*(\d+) skipped")
SKIPPED = re.compile(r"SKIPPED:?\s*(.*)")


@dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reasons: dict = field(default_factory=dict)  # Used as an ordered set.

    def add(self, test):
        output = test.findtext("system-out") or ""
        reasons = [reason.strip() or test.get("name") for reason in SKIPPED.findall(output)]
        passed, failed, skipped = self._cases(test, DOCTEST.search(output))
        silent = min(len(reasons), passed)
        self.passed += passed - silent
        self.failed += failed
        self.skipped += skipped + silent
        self.reasons.update(dict.fromkeys(reasons))

    @staticmethod
    def _cases(test, summary):
        """Passed, failed and skipped as the test itself has them."""
        if is_skipped(test):
            return 0, 0, 1
        has_failed = test.get("status") != "run"  # Also when it could not be started, which ctest calls skipped.
        if summary is None:
            return (0, 1, 0) if has_failed else (1, 0, 0)
        passed, failed, skipped = map(int, summary.groups())
        # A program can fail after its last case: a leak, for instance, that the sanitizer finds at exit.
        return passed, max(failed, 1 if has_failed else 0), skipped

    def line(self):
        cases = self.passed + self.failed + self.skipped
        return "\t".join([str(cases), str(self.passed), str(self.failed), str(self.skipped), "; ".join(self.reasons)])


def is_skipped(test):
    """By its own exit code, or because the list of tests says so."""
    mark = test.find("skipped")
    return test.get("status") == "disabled" or (mark is not None and mark.get("message", "").startswith("SKIP_"))


def main(path):
    tally = Tally()
    for test in xml.parse(path).getroot().iter("testcase"):
        tally.add(test)
    print(tally.line())


if __name__ == "__main__":
    main(sys.argv[1])
