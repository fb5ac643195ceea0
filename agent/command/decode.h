// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdio>
#include <istream>

#include "agent/command/arguments.h"

namespace outrider {

/// `outrider decode`: a candump log to one line of JSON per frame that a DBC file knows.
///
/// Shape    {"time":1745600961.335462,"bus":"can0","id":"1F0","message":"NAME","signals":{"NAME":1.5}}; the time has
///          the log's digits, J1939 frames have "pgn" and "source" after "id". Every signal that the frame has, no other.
///          `input` is read when the log is "-". A line of more than 4 KiB counts as broken. `err` gets the DBC files' warnings and at the end one line of summary.
///          `stop` ends the run after the line under way, as if the log ended there.
/// Returns  kExitFine; kExitBadInput when a DBC file cannot be used, the log cannot be read or holds no frame;
///          kExitCannotStart when `out` takes no more.
int run_decode(const DecodeArguments& arguments, std::istream& input, std::FILE* out, std::FILE* err,
               const std::atomic<bool>& stop);

}  // namespace outrider
