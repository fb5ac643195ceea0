// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/ports/can_port.h"

namespace outrider {

/// One line of a candump log. `frame.time` holds the log's stamp as nanoseconds since 1970 (or since the log's zero).
struct CandumpLine {
  CanFrame frame;              ///< `bus` is 0: the caller maps `interface`.
  std::string_view interface;  ///< Into the parsed line.
  int fraction_digits = 6;     ///< 6, or 9 with candump -N.
};

enum class CandumpJunk : std::uint8_t {
  kNone,
  kBlank,        ///< Nothing on the line.
  kComment,      ///< "#…", "DROPCOUNT: …" and other lines that canplayer skips.
  kBroken,       ///< Begins like a frame but is not one.
  kUnsupported,  ///< CAN XL.
};

/// Reads "(1436509052.249713) can0 123#DEADBEEF": candump -l / -L with classic, FD, RTR and error frames, 9-digit
/// fractions, padded interface names, '.' between bytes, raw DLC "_9".."_F", trailing " R" / " T"; a line end of \r.
/// nullopt: see `why`.
std::optional<CandumpLine> parse_candump_line(std::string_view line, CandumpJunk* why = nullptr);

/// What "candump -d" writes between frames when the kernel dropped some before it could read them.
struct CandumpDrops {
  std::uint64_t frames = 0;    ///< Since the line of this kind before.
  std::string_view interface;  ///< Into the parsed line.
};
/// Reads "DROPCOUNT: dropped 12 CAN frames on 'can0' socket (total drops 12)".
std::optional<CandumpDrops> parse_candump_drops(std::string_view line);

/// The identifier as logs write it: three hexadecimal digits, or eight when it has 29 bits.
void append_can_id(std::string& out, const CanFrame& frame);

/// The same line back, as candump -L writes it.
std::string candump_line(const CanFrame& frame, std::string_view interface, int fraction_digits = 6);

}  // namespace outrider
