// SPDX-License-Identifier: Apache-2.0
#include "agent/config/suggest.h"

#include <algorithm>
#include <array>
#include <utility>

namespace outrider {
namespace {

/// Longer words are not compared: the cost is the product of both lengths.
constexpr std::size_t kLongestWord = 64;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`, upper and lower case alike.
/// Source  optimal string alignment distance (Damerau 1964).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  using Line = std::array<std::size_t, kLongestWord + 1>;
  Line two_above{};
  Line above{};
  Line line{};
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    line[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      line[j] = std::min({above[j] + 1, line[j - 1] + 1, replaced});
      const bool is_swap =
          i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (is_swap) line[j] = std::min(line[j], two_above[j - 2] + 1);
    }
    two_above = above;
    above = line;
  }
  return above[b.size()];
}

}  // namespace

std::vector<std::string_view> nearest_names(std::string_view word,
                                            const std::vector<std::string_view>& candidates,
                                            std::size_t most) {
  std::vector<std::pair<std::size_t, std::string_view>> close;
  if (word.size() > kLongestWord) return {};
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kLongestWord) continue;
    const std::size_t distance = edit_distance(word, candidate);
    // One slip per four characters is still the same word, and so is a beginning; more is another one.
    const bool is_beginning = word.size() >= 3 && candidate.substr(0, word.size()) == word;
    if (is_beginning || distance <= std::max<std::size_t>(1, std::max(word.size(), candidate.size()) / 4))
      close.emplace_back(distance, candidate);
  }
  std::sort(close.begin(), close.end());
  close.erase(std::unique(close.begin(), close.end()), close.end());
  if (close.size() > most) close.resize(most);
  std::vector<std::string_view> names;
  names.reserve(close.size());
  for (const auto& [distance, name] : close) names.push_back(name);
  return names;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates,
                         std::size_t most) {
  const std::vector<std::string_view> names = nearest_names(word, candidates, most);
  return names.empty() ? std::string() : "did you mean " + quoted_list(names, " or ") + "?";
}

std::string quoted_list(const std::vector<std::string_view>& names, std::string_view last) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? last : ", ";
    text += '"';
    text += names[i];
    text += '"';
  }
  return text;
}

}  // namespace outrider
