// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace outrider {

enum class ByteOrder : std::uint8_t { kIntel, kMotorola };
enum class ValueType : std::uint8_t { kUnsigned, kSigned, kFloat32, kFloat64 };

/// A decimal as written in the file, so that 0.1 stays one tenth: digits * 10^-decimals when it fits, and the double.
struct Decimal {
  double value = 0;
  std::int64_t digits = 0;
  int decimals = 0;      ///< 0..15
  bool is_exact = true;  ///< digits/decimals hold the written number.
};

struct SelectorRange {
  std::uint64_t first = 0;  ///< Raw selector values, both ends included.
  std::uint64_t last = 0;
};

struct DbcSignal {
  std::string name;        ///< The long name where the file has one.
  std::string short_name;  ///< As in the SG_ line.
  std::string unit;
  std::string comment;
  std::uint16_t start_bit =
      0;                    ///< DBC numbering: bit n is byte n/8, weight 2^(n%8). Intel: LSB; Motorola: MSB.
  std::uint16_t width = 1;  ///< Bits, 1..64.
  ByteOrder order = ByteOrder::kIntel;
  ValueType type = ValueType::kUnsigned;
  Decimal factor{1, 1, 0, true};
  Decimal offset{};
  std::optional<double> minimum, maximum;  ///< Documentation; [0|0] is "not given". Never used to clip.
  bool is_selector = false;
  std::int32_t selector =
      -1;  ///< Index in the message of the signal that selects this one; -1: always there.
  std::vector<SelectorRange> selected_by;  ///< Raw values of the selector at which it is present.
  std::map<std::int64_t, std::string> value_names;
  std::optional<std::uint32_t> spn;
  std::optional<double> start_value_raw;  ///< GenSigStartValue
};

struct DbcMessage {
  std::string name;
  std::string short_name;
  std::string comment;
  std::string sender;
  std::uint32_t id = 0;  ///< Without flag bits.
  bool is_extended = false;
  bool is_fd = false;
  bool is_j1939 = false;     ///< Match by parameter group number.
  std::uint16_t length = 0;  ///< Bytes as declared; above 64 it is a transport message.
  std::optional<std::uint32_t> cycle_time_ms;
  std::vector<DbcSignal> signals;  ///< In the file's order.
  int line = 0;
};

struct DbcWarning {
  int line = 0;
  std::string text;
};

/// One DBC file.
struct Dbc {
  std::string name;  ///< File name, for messages.
  std::string version;
  std::vector<DbcMessage> messages;
  std::vector<DbcWarning> warnings;  ///< Statements that were skipped or read generously, by line.
};

/// Reads DBC text: UTF-8 or else cp1252, any line ends. What is broken is skipped with a warning and the rest is kept.
///
/// Errors  kReject when nothing in it is a DBC statement, or, `strict`, at the first warning; "file:line: text".
Result<Dbc> parse_dbc(std::string_view text, std::string name, bool strict = false);
Result<Dbc> load_dbc(const std::string& path, bool strict = false);

}  // namespace outrider
