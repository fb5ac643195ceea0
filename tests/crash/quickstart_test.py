#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The README's first command: its verdict is right, and it leaves no process and no file, however it ends."""
import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
from processes import Broker, end_with_parent, wait_until

SCRIPT = Path(__file__).resolve().parents[2] / "packaging" / "quickstart.sh"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the program outrider")
    binary = parser.parse_args().binary
    if not Broker.is_installed():
        print("SKIPPED: mosquitto is not installed")
        return 77
    failures = [
        *run(binary, None, 0, "Every sample arrived, in order"),
        *run(binary, signal.SIGTERM, 143, "vehicles drive"),
        *run(binary, signal.SIGINT, 130, "vehicles drive"),
        *run("/bin/false", None, 4, "quickstart: the verifier did not subscribe"),
    ]
    for failure in failures:
        print(f"FAILED: {failure}")
    return 1 if failures else 0


def run(binary, end_by, expected_code, expected_text):
    """One run in a session of its own, ended by a signal while the vehicles drive, or else by itself."""
    with tempfile.TemporaryDirectory(prefix="outrider-quickstart-test-") as directory:
        output = Path(directory, "output")
        temporary = Path(directory, "tmp")
        temporary.mkdir()
        with output.open("wb") as out:
            script = subprocess.Popen(
                [SCRIPT, "--binary", binary, "--vehicles", "2", "--seconds", "4", "--outage", "1s@1s"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, "TMPDIR": str(temporary)}, preexec_fn=end_with_parent)
        try:
            if end_by is not None:
                wait_until(lambda: "vehicles drive" in output.read_text(), "the vehicles drive", RuntimeError)
                script.send_signal(end_by)
            code = script.wait(120)
            return list(complaints(script.pid, code, output.read_text(), temporary, expected_code, expected_text))
        finally:
            for process in members_of(script.pid):
                os.kill(process, signal.SIGKILL)


def complaints(session, code, output, temporary, expected_code, expected_text):
    if code != expected_code:
        yield f"it ended with {code} instead of {expected_code}:\n{output}"
    if expected_text not in output:
        yield f"it does not say \"{expected_text}\":\n{output}"
    if left := members_of(session):
        yield f"processes are left: {left}"
    if left := list(temporary.iterdir()):
        yield f"files are left: {left}"


def members_of(session):
    """Processes of this session: its id is the fourth field behind the name in parentheses."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name_and_before, _, rest = stat.read_text().rpartition(")")
        except OSError:
            continue  # ended meanwhile
        if int(rest.split()[3]) == session:
            found.append(int(name_and_before.split()[0]))
    return found


if __name__ == "__main__":
    sys.exit(main())
