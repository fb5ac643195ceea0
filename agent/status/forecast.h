// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "agent/base/time.h"

namespace outrider {

/// How fast a total grows (or shrinks) at present: its steps weighted by exp(-age / span).
///
/// At the start the weights are those of the history there is, so the first figure is an average and no climb from zero.
/// Steps longer than kLongestStep are left out: the device slept, and nothing happened because nobody was awake.
class SmoothedRate {
 public:
  /// Says nothing until it has seen `least_history`.
  SmoothedRate(seconds span, seconds least_history) : span_(span), least_history_(least_history) {}

  void note(BootTime now, double total);
  std::optional<double> per_second() const;

  static constexpr seconds kLongestStep{60};

 private:
  const seconds span_;
  const seconds least_history_;
  std::optional<BootTime> last_;
  double last_total_ = 0;
  double sum_ = 0;
  double weight_ = 0;
  nanoseconds history_{};
};

/// What has flowed through the agent until now.
struct Flow {
  std::uint64_t sampled = 0;        ///< Samples.
  std::uint64_t delivered = 0;      ///< Samples.
  std::uint64_t stored_bytes = 0;   ///< Payload of all rows that the buffer took, since the start.
  std::uint64_t waiting_bytes = 0;  ///< Payload of the rows in it now.
};

/// Until the buffer is full and the oldest telemetry has to go, if no row is delivered from now on.
struct Autonomy {
  enum class State : std::uint8_t {
    kUnknown,     ///< Not enough history yet.
    kNotFilling,  ///< Nothing comes in.
    kFilling,     ///< `hours` are left.
    kFull,        ///< It is full: what comes in takes the place of the oldest.
  };
  State state = State::kUnknown;
  double hours = 0;
};
const char* name_of(Autonomy::State state);

/// Until the backlog is gone, at the present difference of what goes out and what comes in.
struct Drain {
  enum class State : std::uint8_t {
    kNone,      ///< Nothing waits but what is on its way.
    kUnknown,   ///< Not enough history yet.
    kDraining,  ///< `minutes` are left.
    kNever,     ///< The backlog does not get smaller at this rate.
  };
  State state = State::kNone;
  double minutes = 0;
};
const char* name_of(Drain::State state);

/// Where the buffer is heading, by what happened lately: minutes for what comes in, which comes in bursts; seconds for
/// the backlog, which turns around when the link does.
///
/// Threads  the loop only.
class Forecast {
 public:
  /// To be told about once a second.
  void note(BootTime now, const Flow& flow);
  /// With it, as `autonomy` takes it: a full buffer has a little room after each eviction, and is full all the same.
  void note_room(std::uint64_t used, std::uint64_t limit);

  /// `used` and `limit`: bytes of the buffer's file. What a stored byte takes of it is learnt from what waits, and
  /// assumed when little does.
  Autonomy autonomy(std::uint64_t used, std::uint64_t limit) const;
  /// `oldest_age`: of the oldest row that waits, absent when none does.
  Drain drain(std::optional<nanoseconds> oldest_age) const;

  std::optional<double> sampled_per_second() const { return sampled_.per_second(); }
  std::optional<double> delivered_per_second() const { return delivered_.per_second(); }
  std::optional<double> stored_bytes_per_second() const { return stored_.per_second(); }

 private:
  static constexpr seconds kPresent{30};
  static constexpr seconds kLately{300};
  static constexpr seconds kShortHistory{10};
  static constexpr seconds kLongHistory{30};

  SmoothedRate sampled_{kPresent, kShortHistory};
  SmoothedRate delivered_{kPresent, kShortHistory};
  SmoothedRate waiting_{kPresent, kShortHistory};
  SmoothedRate stored_{kLately, kLongHistory};
  std::uint64_t waiting_bytes_ = 0;
  bool is_full_ = false;
};

}  // namespace outrider
