// SPDX-License-Identifier: Apache-2.0
#include "agent/status/forecast.h"

#include <algorithm>
#include <cmath>

namespace outrider {
namespace {

/// A byte of payload takes this much of the file while too little waits to tell: rows do not fill their pages. Measured
/// with rows of 400 bytes: 1.24.
constexpr double kTypicalOverhead = 1.3;
constexpr std::uint64_t kTellingBacklog = 1U << 20U;
/// A buffer that is full makes a little more room than it needs, so it is rarely full to the last page.
constexpr double kRoomOfAFullBuffer = 128 << 10;
constexpr double kRoomOfAFullBufferShare = 0.01;
/// Rows younger than this are on their way, however the rates are.
constexpr seconds kOnItsWay{5};
/// Less than this is rounding: a byte an hour.
constexpr double kNothingPerSecond = 1.0 / 3600;

/// So many times that room, and it is full no more.
constexpr double kRoomOfOneThatIsFullNoMore = 4;

double room_of(std::uint64_t used, std::uint64_t limit) {
  return static_cast<double>(limit) - static_cast<double>(used);
}

double least_room(std::uint64_t limit) {
  return std::max(kRoomOfAFullBuffer, static_cast<double>(limit) * kRoomOfAFullBufferShare);
}

double in_seconds(nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

void SmoothedRate::note(BootTime now, double total) {
  if (last_ && now <= *last_) return;
  if (last_ && now - *last_ <= kLongestStep) {
    const nanoseconds step = now - *last_;
    const double kept = std::exp(-in_seconds(step) / in_seconds(span_));
    sum_ = sum_ * kept + (total - last_total_) / in_seconds(step) * (1 - kept);
    weight_ = weight_ * kept + (1 - kept);
    history_ += step;
  }
  last_ = now;
  last_total_ = total;
}

std::optional<double> SmoothedRate::per_second() const {
  if (history_ < least_history_) return std::nullopt;
  return sum_ / weight_;
}

void Forecast::note(BootTime now, const Flow& flow) {
  sampled_.note(now, static_cast<double>(flow.sampled));
  delivered_.note(now, static_cast<double>(flow.delivered));
  stored_.note(now, static_cast<double>(flow.stored_bytes));
  waiting_.note(now, static_cast<double>(flow.waiting_bytes));
  waiting_bytes_ = flow.waiting_bytes;
}

void Forecast::note_room(std::uint64_t used, std::uint64_t limit) {
  // Half of a small buffer is room enough.
  const double enough =
      std::min(kRoomOfOneThatIsFullNoMore * least_room(limit), static_cast<double>(limit) / 2);
  const double room = room_of(used, limit);
  is_full_ = room <= least_room(limit) || (is_full_ && room < enough);
}

Autonomy Forecast::autonomy(std::uint64_t used, std::uint64_t limit) const {
  const double room = room_of(used, limit);
  if (is_full_ || room <= least_room(limit)) return {Autonomy::State::kFull, 0};
  const std::optional<double> rate = stored_.per_second();
  if (!rate) return {};
  if (*rate < kNothingPerSecond) return {Autonomy::State::kNotFilling, 0};
  const double overhead = waiting_bytes_ >= kTellingBacklog
                              ? std::max(1.0, static_cast<double>(used) / static_cast<double>(waiting_bytes_))
                              : kTypicalOverhead;
  constexpr double kSecondsPerHour = 3600;
  return {Autonomy::State::kFilling, room / (*rate * overhead) / kSecondsPerHour};
}

Drain Forecast::drain(std::optional<nanoseconds> oldest_age) const {
  if (!oldest_age || *oldest_age < kOnItsWay) return {};
  const std::optional<double> growth = waiting_.per_second();
  if (!growth) return {Drain::State::kUnknown, 0};
  if (*growth > -kNothingPerSecond) return {Drain::State::kNever, 0};
  constexpr double kSecondsPerMinute = 60;
  return {Drain::State::kDraining, static_cast<double>(waiting_bytes_) / -*growth / kSecondsPerMinute};
}

const char* name_of(Autonomy::State state) {
  switch (state) {
    case Autonomy::State::kUnknown:
      return "unknown";
    case Autonomy::State::kNotFilling:
      return "not filling";
    case Autonomy::State::kFilling:
      return "filling";
    case Autonomy::State::kFull:
      break;
  }
  return "full";
}

const char* name_of(Drain::State state) {
  switch (state) {
    case Drain::State::kNone:
      return "nothing waits";
    case Drain::State::kUnknown:
      return "unknown";
    case Drain::State::kDraining:
      return "draining";
    case Drain::State::kNever:
      break;
  }
  return "never at this rate";
}

}  // namespace outrider
