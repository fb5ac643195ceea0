#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Decodes random payloads of every message of every DBC file of the corpora, with outrider and with canmatrix, and
compares which signals are there and what their values are. The two share no code and no author."""
import collections
import logging
import math
import pathlib
import random
import re
import sys
import tempfile

import corpus

logging.disable(logging.CRITICAL)  # of formats that canmatrix misses libraries for
try:
    import canmatrix.formats
except ImportError:
    corpus.skip("python3-canmatrix is not installed")

PAYLOADS = 10            # random ones per message, or per selector value
RELATIVE = 1e-9          # tolerance: canmatrix computes in decimal, we in double
FRAME_BYTES = 64         # the longest payload one frame carries
FD_LENGTHS = [12, 16, 20, 24, 32, 48, 64]
SOURCE_ADDRESS = 0x21    # in place of the placeholder that J1939 files carry
FIRST_NMEA2000 = 0x1ED00


class Tally:
    """What happened to one file."""

    def __init__(self, name):
        self.name = name
        self.messages = 0
        self.compared = 0
        self.unavailable = 0
        self.differences = []
        self.refused = collections.Counter()

    def differ(self, text):
        self.differences.append(text)


class Sent:
    """One frame: what canmatrix makes of its payload is what we must make of it."""

    def __init__(self, frame, payload, expected):
        self.frame = frame
        self.payload = payload
        self.expected = expected  # signal name → canmatrix's decoded signal


# --- what canmatrix reads ---

def repaired(text):
    """Gives ids above 11 bits the bit 31 that canmatrix insists on: we read them so too, with a warning."""
    def with_bit(match):
        written = int(match.group(2))
        if corpus.STANDARD_MASK < written < corpus.EXTENDED_BIT:
            written = written & corpus.EXTENDED_MASK | corpus.EXTENDED_BIT
        return match.group(1) + str(written)
    pattern = r"^(\s*(?:BO_|SG_MUL_VAL_|SIG_VALTYPE_)\s+)(\d+)"
    return re.sub(pattern, with_bit, text, flags=re.MULTILINE)


def load(dbc, folder):
    copy = folder / dbc.name
    copy.write_bytes(repaired(dbc.read_bytes().decode("latin-1")).encode("latin-1"))
    return list(canmatrix.formats.loadp(str(copy), dbcImportEncoding="iso-8859-1").values())[0]


def selector_of(frame, signal):
    """The signal whose raw value decides whether `signal` is there."""
    if signal.muxer_for_signal:
        return frame.signal_by_name(signal.muxer_for_signal)
    if signal.mux_val is None or signal.is_multiplexer:
        return None
    return next((other for other in frame.signals if other.is_multiplexer and other.mux_val is None), None)


def selecting_values(signal):
    if signal.mux_val_grp:
        return sorted({value for pair in signal.mux_val_grp for value in pair})
    return [int(signal.mux_val)]


def selector_settings(frame):
    """Every way to set the selectors that some signal asks for: lists of (selector, raw value), roots too."""
    settings = [[]]
    for signal in frame.signals:
        chain, selected = [], signal
        while (selector := selector_of(frame, selected)) is not None and len(chain) < 8:
            chain.append((selector, selecting_values(selected)))
            selected = selector
        if not chain:
            continue
        above = [(selector, values[0]) for selector, values in chain[1:]]
        for value in chain[0][1]:
            setting = [(chain[0][0], value)] + above
            if setting not in settings:
                settings.append(setting)
    return settings


# --- bits, counted as a DBC file counts them ---

def bit_positions(signal):
    """(byte, weight) of every bit, least significant first."""
    start = signal.get_startbit(bit_numbering=1)
    if signal.is_little_endian:
        return [divmod(start + i, 8) for i in range(signal.size)]
    positions, byte, weight = [], start // 8, start % 8
    for _ in range(signal.size):
        positions.append((byte, weight))
        byte, weight = (byte, weight - 1) if weight else (byte + 1, 7)
    return positions[::-1]


def put(payload, signal, raw):
    for i, (byte, weight) in enumerate(bit_positions(signal)):
        payload[byte] = payload[byte] & ~(1 << weight) | (raw >> i & 1) << weight


def ends_within(signal, size):
    return all(byte < size for byte, _ in bit_positions(signal))


# --- J1939 codes that are not values ---

def is_unavailable(signal, raw, identifier):
    """SAE J1939-71 5.1.4, and what NMEA 2000 and signed fields do instead; written without a look at our decoder."""
    if signal.is_float or signal.is_multiplexer:
        return False
    group = corpus.parameter_group(identifier)
    if signal.is_signed or group >= FIRST_NMEA2000:
        largest = (1 << (signal.size - (1 if signal.is_signed else 0))) - 1
        return (raw == largest and largest >= 3) or (raw == largest - 1 and largest >= 7)
    if 2 <= signal.size <= 7:
        return raw >= (1 << signal.size) - 2
    return 8 <= signal.size <= 32 and raw >> (signal.size - 8) > 0xFA


# --- frames ---

def frame_length(message_length):
    if message_length <= 8:
        return message_length
    return next((length for length in FD_LENGTHS if length >= message_length), FRAME_BYTES)


def sent_identifier(frame, is_j1939):
    identifier = frame.arbitration_id.id
    if not is_j1939:
        return identifier
    group = corpus.parameter_group(identifier)
    destination = 0 if (group >> 8 & 0xFF) >= 240 else random.randrange(256)
    priority = random.randrange(8)
    return priority << 26 | (group | destination) << 8 | SOURCE_ADDRESS


def log_line(second, frame, payload, is_j1939):
    data = bytes(payload[:FRAME_BYTES])
    data += bytes(frame_length(len(data)) - len(data))  # the lengths of CAN FD have gaps
    identifier = f"{sent_identifier(frame, is_j1939):0{8 if frame.arbitration_id.extended else 3}X}"
    return f"({second}.000000) can0 {identifier}{'##0' if len(data) > 8 else '#'}{data.hex().upper()}\n"


def payloads_of(frame):
    """Random ones for every setting of the selectors; all ones and all zeros besides."""
    for setting in selector_settings(frame):
        for number in range(PAYLOADS):
            fill = {0: 0xFF, 1: 0x00}.get(number)
            payload = bytearray(random.randbytes(frame.size) if fill is None else [fill] * frame.size)
            for selector, raw in setting:
                put(payload, selector, raw)
            yield payload


def prepare(frame, tally):
    """The frames of one message with what canmatrix says of them."""
    if frame.size == 0 or not frame.signals:
        tally.refused["messages without signals"] += 1
        return
    for payload in payloads_of(frame):
        try:
            values = frame.decode(bytes(payload))
        except Exception as error:  # canmatrix raises whatever its code runs into
            tally.refused[f"payloads by canmatrix, {type(error).__name__}"] += 1
            continue
        yield Sent(frame, payload, values)


# --- comparison ---

def is_equal(ours, theirs):
    return math.isclose(ours, float(theirs), rel_tol=RELATIVE, abs_tol=0.0) or ours == float(theirs)


def is_expected(signal, value, sent, is_j1939, tally):
    """False for values of canmatrix that must be absent with us."""
    if not ends_within(signal, min(sent.frame.size, FRAME_BYTES)):
        tally.refused["values past the end of the frame"] += 1
        return False
    if signal.is_float and not math.isfinite(float(value.phys_value)):
        return False
    if is_j1939 and is_unavailable(signal, int(value.raw_value), sent.frame.arbitration_id.id):
        tally.unavailable += 1
        return False
    return True


def compare(sent, line, is_j1939, tally):
    where = f"{sent.frame.name} {bytes(sent.payload).hex()}"
    if line["message"] != sent.frame.name:
        return tally.differ(f"{where}: is {line['message']} with us")
    if is_j1939 and line.get("source") != SOURCE_ADDRESS:
        tally.differ(f"{where}: source {line.get('source')}")
    ours = line["signals"]
    expected = {}
    for name, value in sent.expected.items():
        if is_expected(sent.frame.signal_by_name(name), value, sent, is_j1939, tally):
            expected[name] = value.phys_value
    for name in expected.keys() ^ ours.keys():
        signal = sent.frame.signal_by_name(name)
        if name in ours and signal is not None and not ends_within(signal, sent.frame.size):
            continue  # it lies in the padding of a CAN FD frame
        tally.differ(f"{where}: {name} is {'absent' if name in expected else 'present'} with us only")
    for name in expected.keys() & ours.keys():
        tally.compared += 1
        if not is_equal(ours[name], expected[name]):
            tally.differ(f"{where}: {name} is {ours[name]} with us, {expected[name]} with canmatrix")
    return None


def second_of(line):
    """The second of the log, whether "time" is a number or ISO text of 1970."""
    time = line["time"]
    if isinstance(time, (int, float)):
        return round(time)
    hours, minutes, seconds = time.split("T")[1].rstrip("Z").split(":")
    return int(time[8:10]) * 86400 - 86400 + int(hours) * 3600 + int(minutes) * 60 + round(float(seconds))


def examine(outrider, dbc, folder):
    tally = Tally(dbc.name)
    is_j1939 = dbc.name in corpus.J1939_FILES
    frames = [frame for frame in load(dbc, folder).frames if frame.name != corpus.INDEPENDENT_SIGNALS]
    missing = len(corpus.message_ids(dbc)) - len(frames)
    if missing > 0:
        tally.refused["messages by canmatrix"] += missing
    tally.messages = len(frames)
    sent = [one for frame in frames for one in prepare(frame, tally)]
    log = folder / (dbc.stem + ".log")
    log.write_text("".join(log_line(i, one.frame, one.payload, is_j1939) for i, one in enumerate(sent)))
    lines = {second_of(line): line for line in corpus.decoded(outrider, dbc, log)}
    for i, one in enumerate(sent):
        if i in lines:
            compare(one, lines[i], is_j1939, tally)
        else:
            tally.differ(f"{one.frame.name}: no line for id {one.frame.arbitration_id}")
    return tally


def report(tallies):
    print(f"{'file':32} {'messages':>8} {'compared':>9} {'n/a codes':>9} {'differing':>9}  refused")
    for tally in tallies:
        refused = "; ".join(f"{count} {why}" for why, count in sorted(tally.refused.items()))
        print(f"{tally.name:32} {tally.messages:8} {tally.compared:9} {tally.unavailable:9} {len(tally.differences):9}  {refused}")
    for tally in tallies:
        for difference in tally.differences[:10]:
            print(f"{tally.name}: {difference}")


def main():
    chosen = corpus.arguments(__doc__)
    random.seed(chosen.seed)
    with tempfile.TemporaryDirectory() as folder:
        tallies = [examine(chosen.outrider, dbc, pathlib.Path(folder)) for dbc in corpus.dbc_files(chosen.shared)]
    report(tallies)
    compared = sum(tally.compared for tally in tallies)
    differing = sum(len(tally.differences) for tally in tallies)
    print(f"{len(tallies)} files, {compared} values compared, {differing} differing, seed {chosen.seed}")
    sys.exit(1 if differing or not compared else 0)


if __name__ == "__main__":
    main()
