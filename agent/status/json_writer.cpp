// SPDX-License-Identifier: Apache-2.0
#include "agent/status/json_writer.h"

#include <cmath>

#include "agent/base/ensure.h"
#include "agent/base/json_text.h"

namespace outrider {

/// The text, up to where the member's value belongs.
std::string& JsonWriter::begin(std::string_view key) {
  const char last = text_.back();
  if (last != '{' && last != '[') text_ += ',';
  if (nesting_.back() == '}') {
    append_json_string(text_, key);
    text_ += ':';
  }
  return text_;
}

void JsonWriter::open(std::string_view key, char begin_with, char end_with) {
  begin(key) += begin_with;
  nesting_ += end_with;
}

void JsonWriter::close() {
  text_ += nesting_.back();
  nesting_.pop_back();
}

std::string JsonWriter::finish() {
  ENSURE(nesting_ == "}");
  close();
  return std::move(text_);
}

void JsonWriter::text(std::string_view key, std::string_view value) { append_json_string(begin(key), value); }

void JsonWriter::integer(std::string_view key, std::int64_t value) { append_integer(begin(key), value); }

void JsonWriter::count(std::string_view key, std::uint64_t value) {
  begin(key) += std::to_string(value);  // not append_integer: a free disk may be more than 2^63 bytes
}

void JsonWriter::number(std::string_view key, std::optional<double> value, int decimals) {
  if (!value) return null(key);
  const double scale = std::pow(10, decimals);
  append_number(begin(key), std::round(*value * scale) / scale, decimals);
}

}  // namespace outrider
