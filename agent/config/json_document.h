// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/problems.h"

namespace outrider {

/// One value of a JSON text, with the line it stands in.
struct JsonValue {
  enum class Kind : std::uint8_t { kNull, kBool, kNumber, kText, kList, kObject };

  Kind kind = Kind::kNull;
  bool is_true = false;
  double number = 0;
  std::optional<std::uint64_t> integer;  ///< When it is a whole number of 0 or more that fits.
  std::string text;              ///< A text's characters; of a number, true, false and null: as written.
  std::string key;               ///< Of a member of an object.
  std::vector<JsonValue> items;  ///< Of a list or an object, in the order of the text.
  int line = 0;                  ///< From 1; 0: it came from the command line.

  const JsonValue* find(std::string_view wanted) const;
};

/// Lists and objects inside each other; more is refused.
inline constexpr std::size_t kDeepestJson = 32;

/// Reads JSON with // and /* */ comments. A key that is there twice is a problem too.
/// Errors  nullopt with `problems` filled when the text cannot be read to its end.
std::optional<JsonValue> parse_json_document(std::string_view text, Problems& problems);

/// One value without comments, for an override: nullopt when `text` is not JSON. All lines are 0.
std::optional<JsonValue> parse_json_value(std::string_view text);

/// "publish.brokers[0]" from its parts.
std::string member_path(const std::string& object, std::string_view key);
std::string item_path(const std::string& list, std::size_t index);

}  // namespace outrider
