#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a candump log of a bus at a steady rate:  busy_bus.py FILE.dbc FRAMES_PER_SECOND SECONDS

Frames go round the messages of the DBC file; each payload counts up, so that every signal keeps changing.
"""
import re
import sys

MESSAGE = re.compile(r"^BO_ (\d+) \w+ ?: ?(\d+) ", re.MULTILINE)
EXTENDED = 1 << 31
START = 1_700_000_000  # Some second in 2023.


def frame_text(dbc_id, length, count):
    can_id = f"{dbc_id & 0x1FFFFFFF:08X}" if dbc_id & EXTENDED else f"{dbc_id:03X}"
    # 0x0101… spreads the count over all bytes of the payload.
    payload = count * 0x0101010101010101 % (1 << 64)
    return f"{can_id}#{payload.to_bytes(8, 'little')[:length].hex().upper()}"


def main(dbc_path, rate, length):
    with open(dbc_path, encoding="utf-8", errors="replace") as dbc:
        messages = [(int(number), min(int(size), 8)) for number, size in MESSAGE.findall(dbc.read())]
    rate = int(rate)
    for i in range(rate * int(length)):
        second, part = divmod(i, rate)
        text = frame_text(*messages[i % len(messages)], i)
        print(f"({START + second}.{part * 1_000_000 // rate:06d}) can0 {text}")


if __name__ == "__main__":
    main(*sys.argv[1:])
