#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Decodes the candump logs of the corpora with each DBC file of the corpora: as many frames must match as carry the id
of a message with signals, counted here with two patterns and no parser."""
import re
import sys

import corpus

FRAME = re.compile(r"^\([\d.]+\)\s+\S+\s+([0-9A-Fa-f]+)#")
ACTISENSE = ("nmea2000_actisense.log", "canboat_nmea2000.dbc", 106)  # every frame of it is known to have a message


def frame_ids(log):
    """(identifier, is extended) of every frame."""
    found = (FRAME.match(line) for line in log.read_text().splitlines())
    return [(int(match.group(1), 16), len(match.group(1)) == 8) for match in found if match]


def expected_matches(dbc, ids):
    known = corpus.message_ids(dbc, with_signals=True)
    if dbc.name not in corpus.J1939_FILES:
        return sum(one in known for one in ids)
    groups = {corpus.parameter_group(identifier) for identifier, is_extended in known if is_extended}
    return sum(is_extended and corpus.parameter_group(identifier) in groups for identifier, is_extended in ids)


def examine(outrider, log, dbc):
    """True when as many frames matched as must."""
    ids = frame_ids(log)
    expected = expected_matches(dbc, ids)
    lines = corpus.decoded(outrider, dbc, log)
    values = sum(len(line["signals"]) for line in lines)
    verdict = "" if len(lines) == expected else f"  WRONG: {expected} expected"
    print(f"{log.name:24} {dbc.name:32} {len(ids):7} frames {len(lines):7} matched {values:8} values{verdict}")
    if (log.name, dbc.name) == ACTISENSE[:2] and len(lines) != ACTISENSE[2]:
        print(f"WRONG: {ACTISENSE[2]} frames of {log.name} must match")
        return False
    return len(lines) == expected


def main():
    chosen = corpus.arguments(__doc__)
    logs = sorted((chosen.shared / "corpora" / "candump").glob("*.log"))
    if not logs:
        corpus.skip("shared/corpora has no candump logs")
    verdicts = [examine(chosen.outrider, log, dbc) for log in logs for dbc in corpus.dbc_files(chosen.shared)]
    sys.exit(0 if all(verdicts) else 1)


if __name__ == "__main__":
    main()
