// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace outrider {

/// Writes one JSON object, member by member, without a document tree.
///
/// Shape  `open` and `open_list` are each ended by `close`. What is written directly into a list has no key: "".
class JsonWriter {
 public:
  void open(std::string_view key) { open(key, '{', '}'); }
  void open_list(std::string_view key) { open(key, '[', ']'); }
  void close();

  void text(std::string_view key, std::string_view value);
  void count(std::string_view key, std::uint64_t value);
  void integer(std::string_view key, std::int64_t value);
  /// Rounded to `decimals`; null when absent.
  void number(std::string_view key, std::optional<double> value, int decimals = 1);
  void flag(std::string_view key, bool value) { begin(key) += value ? "true" : "false"; }
  void null(std::string_view key) { begin(key) += "null"; }

  /// The object; nothing may be open any more.
  std::string finish();

 private:
  std::string& begin(std::string_view key);
  void open(std::string_view key, char begin_with, char end_with);

  std::string text_ = "{";
  std::string nesting_ = "}";  // what closes the objects and lists that are open
};

}  // namespace outrider
