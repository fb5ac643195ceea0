// SPDX-License-Identifier: Apache-2.0
#include "agent/store/epoch.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace outrider {
namespace {

constexpr std::size_t kRandomDigits = 8;
// A damaged file could say anything; a counter that leaves no room to count on is not one of ours.
constexpr std::uint64_t kMaxCounter = 1'000'000'000'000;

template <class Integer>
std::optional<Integer> parse_all(std::string_view digits, int base) {
  Integer value{};
  const char* end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, value, base);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return value;
}

}  // namespace

std::string Epoch::text() const {
  std::array<char, 48> buffer{};
  const int length =
      std::snprintf(buffer.data(), buffer.size(), "%llu-%08lx", static_cast<unsigned long long>(counter),
                    static_cast<unsigned long>(random));
  return {buffer.data(), static_cast<std::size_t>(length)};
}

std::optional<Epoch> parse_epoch(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos || text.size() - dash - 1 != kRandomDigits) return std::nullopt;
  const auto counter = parse_all<std::uint64_t>(text.substr(0, dash), 10);
  const auto random = parse_all<std::uint32_t>(text.substr(dash + 1), 16);
  if (!counter || !random || *counter == 0 || *counter > kMaxCounter) return std::nullopt;
  return Epoch{*counter, *random};
}

EpochDecision decide_epoch(const std::optional<std::string>& file, const std::optional<Epoch>& database,
                           std::uint64_t random, bool may_repeat, std::uint64_t least) {
  constexpr Epoch kNone{};  // counters begin at 1
  const Epoch noted = file ? parse_epoch(*file).value_or(kNone) : kNone;
  const Epoch stored = database.value_or(kNone);
  const bool is_damaged = file && noted == kNone;
  const bool is_overtaken = noted.counter >= stored.counter && noted != stored;
  if (stored != kNone && !is_damaged && !is_overtaken && !may_repeat)
    return {.epoch = stored, .is_new = false, .is_file_stale = noted != stored};

  const std::uint64_t last = std::max({noted.counter, stored.counter, least});
  const Epoch next{last + 1, static_cast<std::uint32_t>(random ^ (random >> 32U))};
  return {.epoch = next, .is_new = true, .is_file_stale = true};
}

}  // namespace outrider
