// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>

#include "agent/decode/dbc.h"

namespace outrider {

inline const std::string kPlain =
    "BO_ 291 Engine: 8 ECU\n"
    " SG_ Speed : 0|16@1+ (0.125,0) [0|8031.875] \"rpm\" Gateway\n";

/// A file around the statements under test.
inline Dbc parsed(const std::string& text) {
  Result<Dbc> dbc = parse_dbc(text, "test.dbc");
  REQUIRE(dbc);
  return *dbc;
}

/// As `parsed`, for text that must be clean.
inline Dbc clean(const std::string& text) {
  Dbc dbc = parsed(text);
  for (const DbcWarning& warning : dbc.warnings) FAIL_CHECK(warning.line << ": " << warning.text);
  return dbc;
}

inline const DbcMessage& message_of(const Dbc& dbc, const std::string& name) {
  const auto found = std::find_if(dbc.messages.begin(), dbc.messages.end(),
                                  [&](const DbcMessage& m) { return m.name == name; });
  REQUIRE_MESSAGE(found != dbc.messages.end(), "no message " << name);
  return *found;
}

inline const DbcSignal& signal_of(const DbcMessage& message, const std::string& name) {
  const auto found = std::find_if(message.signals.begin(), message.signals.end(),
                                  [&](const DbcSignal& s) { return s.name == name; });
  REQUIRE_MESSAGE(found != message.signals.end(), "no signal " << name);
  return *found;
}

inline bool has_warning(const Dbc& dbc, int line, const std::string& part) {
  const bool is_there = std::any_of(dbc.warnings.begin(), dbc.warnings.end(), [&](const DbcWarning& warning) {
    return warning.line == line && warning.text.find(part) != std::string::npos;
  });
  if (!is_there)
    for (const DbcWarning& warning : dbc.warnings) MESSAGE(warning.line << ": " << warning.text);
  return is_there;
}

/// Present when signal number `selector` has a raw value in one of `ranges`, and only then.
inline bool is_selected(const DbcSignal& signal, std::int32_t selector,
                        std::initializer_list<std::pair<int, int>> ranges) {
  bool is_equal = signal.selector == selector && signal.selected_by.size() == ranges.size();
  std::size_t i = 0;
  for (const auto& [first, last] : ranges) {
    is_equal = is_equal && signal.selected_by[i].first == static_cast<std::uint64_t>(first) &&
               signal.selected_by[i].last == static_cast<std::uint64_t>(last);
    ++i;
  }
  return is_equal;
}

}  // namespace outrider
