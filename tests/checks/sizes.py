# SPDX-License-Identifier: Apache-2.0
"""No file is longer than one can keep in mind. Functions are measured by clang-tidy."""
FILE_LINES = 400
HEADER_LINES = 150


def problems(files):
    return [
        file.at(limit + 1, f"{len(file.lines)} lines, {limit} are allowed: split it by topic")
        for file in files if file.is_source and len(file.lines) > (limit := limit_of(file))
    ]


def limit_of(file):
    return HEADER_LINES if file.suffix == ".h" else FILE_LINES


BAD = [
    ("agent/store/outbox.cpp", "\n" * 401, "401 lines, 400 are allowed"),
    ("agent/store/outbox.h", "\n" * 151, "151 lines, 150 are allowed"),
    ("tests/run.sh", "\n" * 401, "401 lines"),
]
GOOD = [
    ("agent/store/outbox.cpp", "\n" * 400),
    ("agent/store/outbox.h", "\n" * 150),
    ("README.md", "\n" * 2000),
]
