# SPDX-License-Identifier: Apache-2.0
"""What the corpora tests share: where the files are, how to run `outrider decode`, how to say SKIPPED."""
import argparse
import json
import pathlib
import re
import subprocess
import sys

SKIPPED = 77  # ctest's SKIP_RETURN_CODE
EXTENDED_BIT = 1 << 31
EXTENDED_MASK = 0x1FFFFFFF
STANDARD_MASK = 0x7FF
INDEPENDENT_SIGNALS = "VECTOR__INDEPENDENT_SIG_MSG"
# Known of these files, not derived from them: their frames are matched by parameter group.
J1939_FILES = {"canboat_nmea2000.dbc", "css_j1939_demo.dbc"}


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--outrider", required=True, help="the program under test")
    parser.add_argument("--shared", required=True, type=pathlib.Path, help="the folder that holds corpora/")
    parser.add_argument("--seed", type=int, default=1939, help="of the random payloads")
    parsed = parser.parse_args()
    if not (parsed.shared / "corpora" / "dbc").is_dir():
        skip("the folder shared/corpora does not lie beside the project")
    return parsed


def skip(why):
    print("SKIPPED: " + why)
    sys.exit(SKIPPED)


def dbc_files(shared):
    return sorted((shared / "corpora" / "dbc").glob("*.dbc"))


def decoded(outrider, dbc, log):
    """The JSON lines of `outrider decode`; fails the test when it fails."""
    run = subprocess.run([outrider, "decode", "--dbc", str(dbc), str(log)], capture_output=True, check=False, timeout=300)
    if run.returncode != 0:
        sys.exit(f"outrider decode --dbc {dbc.name} {log.name} left with {run.returncode}: {run.stderr.decode()[-500:]}")
    return [json.loads(line) for line in run.stdout.decode().splitlines()]


def parameter_group(identifier):
    group = identifier >> 8 & 0x3FFFF
    return group if (group >> 8 & 0xFF) >= 240 else group & 0x3FF00


def message_ids(dbc, with_signals=False):
    """(identifier, is extended) of every BO_ line, read with nothing but a pattern."""
    text = dbc.read_bytes().decode("latin-1")
    pattern = r"^\s*BO_\s+(\d+)\s+(\w+)" + (r"[^\n]*\n\s*SG_\s" if with_signals else "")
    ids = set()
    for written, name in re.findall(pattern, text, re.MULTILINE):
        if name != INDEPENDENT_SIGNALS:
            ids.add((int(written) & EXTENDED_MASK, int(written) > STANDARD_MASK))
    return ids
