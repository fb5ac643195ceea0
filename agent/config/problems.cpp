// SPDX-License-Identifier: Apache-2.0
#include "agent/config/problems.h"

#include <algorithm>

#include "agent/base/utf8.h"
#include "agent/config/text_rules.h"

namespace outrider {
namespace {

/// More would only push the first ones off the screen.
constexpr std::size_t kMostShown = 50;
constexpr std::size_t kLongestQuote = 60;

/// `text` with '?' for control characters, which keys and texts may hold and a terminal would obey.
std::string printable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    std::size_t bytes = 1;
    while (bytes < text.size() && is_utf8_continuation(text[bytes])) ++bytes;
    shown += has_control_characters(text.substr(0, bytes)) ? "?" : text.substr(0, bytes);
    text.remove_prefix(bytes);
  }
  return shown;
}

}  // namespace

void Problems::add(const Place& place, std::string_view text) {
  std::string line = file_;
  if (place.line > 0) line += ":" + std::to_string(place.line);
  line += ": ";
  if (!place.path.empty()) line += place.path;
  if (place.line == 0)
    line += place.path.empty() ? "(set on the command line)" : " (set on the command line)";
  if (!place.path.empty() || place.line == 0) line += ": ";
  line += text;
  problems_.push_back({place.line, printable(line)});
}

void Problems::add_syntax(int line, int column, std::string_view text) {
  std::string whole = file_ + ":" + std::to_string(line) + ":" + std::to_string(column) + ": ";
  whole += text;
  problems_.push_back({line, printable(whole)});
}

void Problems::add(std::string_view text) {
  problems_.push_back({0, printable(file_ + ": " + std::string(text))});
}

std::string Problems::text() const {
  std::vector<Problem> sorted = problems_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Problem& a, const Problem& b) { return a.line < b.line; });
  std::string text;
  for (std::size_t i = 0; i < sorted.size() && i < kMostShown; ++i) {
    if (i > 0) text += '\n';
    text += sorted[i].text;
  }
  if (sorted.size() > kMostShown) {
    text += '\n' + file_ + ": and " + std::to_string(sorted.size() - kMostShown) + " more; mend these first";
  }
  return text;
}

std::string in_quotes(std::string_view text) {
  const bool is_long = text.size() > kLongestQuote;
  std::size_t end = is_long ? kLongestQuote : text.size();
  while (is_long && end > 0 && is_utf8_continuation(text[end])) --end;
  return "\"" + printable(text.substr(0, end)) + (is_long ? "…\"" : "\"");
}

}  // namespace outrider
