# SPDX-License-Identifier: Apache-2.0
"""A candump log of the vehicle of config/outrider_vehicle.dbc, with values that config/vehicle.json calls invalid."""
import struct

# Raw values beyond "valid" in config/vehicle.json.
SPEED_600_KM_H = 60000
COOLANT_215_DEGREES = 255
BATTERY_40_95_V = 4095
# What a replay must report of the log below.
LOST = {"speed.invalid": 7, "engine_temp.invalid": 5, "battery_voltage.invalid": 4}
LENGTH = 8.3  # seconds from the first stamp to the last


def lines(first_stamp):
    """Five seconds of driving, a pause, and an end of nothing but invalid values."""
    for tenth in range(50):
        at = first_stamp + tenth / 10
        yield frame(at, "100", motion(SPEED_600_KM_H if tenth % 7 == 3 else 5000 + 100 * tenth))
        yield frame(at + 0.01, "110", engine(COOLANT_215_DEGREES if tenth % 10 == 4 else 130))
        if tenth % 10 == 0:
            yield frame(at + 0.02, "120", struct.pack(">H", 615 << 6) + struct.pack("<IH", 1234567 + tenth, 0))
            yield frame(at + 0.03, "130", struct.pack(">i", 525200066) + struct.pack("<i", 134049540 - tenth))
            yield frame(at + 0.04, "1F0A0131", struct.pack("<H", 10340) + struct.pack(">H", 9000 + 100 * tenth))
            yield frame(at + 0.05, "140", struct.pack(">H", 1380 << 4 | 2))
    for tenth in range(4):
        yield frame(first_stamp + LENGTH - (3 - tenth) / 10, "140", struct.pack(">H", BATTERY_40_95_V << 4 | 2))


def motion(speed):
    return struct.pack(">H", speed) + struct.pack("<h", -1500) + struct.pack(">HH", 1500, 0)


def engine(coolant):
    return struct.pack("<HBHBH", 1740 * 4, coolant, 455 << 4 | 3, 0, 0)


def frame(at, identifier, payload):
    return f"({at:.6f}) can0 {identifier}#{payload.hex().upper()}"
