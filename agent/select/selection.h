// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/sample.h"
#include "agent/config/config.h"
#include "agent/decode/decoder.h"

namespace outrider {

/// Which decoded values of one vehicle are kept, and what they are called.
///
/// Names    the rule's `as`, else the signal's name; where two series would share it, "MESSAGE.SIGNAL", and
///          where that is still shared "bus.MESSAGE.SIGNAL". J1939 series carry "@" and the sender's address
///          in hex unless the rule names one sender; what is shared after all that is numbered: "speed#2".
/// Keeping  a value outside the valid range is counted as invalid and never kept. Otherwise a value is kept
///          when its period is over, or when it left the deadband around the last kept one and the minimum
///          interval is over. A change inside the interval waits; `flush_pending` keeps the newest that still
///          waits, so the last value before silence is never lost.
/// Order    decisions depend on the samples' own times only, so the same log gives the same samples at any
///          speed.
/// Threads  the loop only.
class Selection {
 public:
  struct Bus {
    std::string name;
    const Decoder* decoder;  ///< Borrowed; outlives the selection.
  };

  Selection(std::vector<SignalRule> rules, std::vector<Bus> buses);

  /// True when some rule wants the signal, whoever sends it: what a decoder is to be built with.
  static bool is_wanted(const std::vector<SignalRule>& rules, const DbcMessage& message,
                        const DbcSignal& signal);

  /// Appends what is to be kept of one frame.
  void select(std::size_t bus, const DecodedFrame& frame, BootTime time, std::vector<Sample>& kept);

  /// Appends changes that waited for their minimum interval and are due at `now`.
  void flush_pending(BootTime now, std::vector<Sample>& kept);

  /// All series so far; grows when a J1939 sender is first heard.
  const std::vector<SeriesInfo>& series() const { return series_; }

  /// Calls `report(name, count)` for every series with invalid values since the last call.
  void take_invalid(const std::function<void(const std::string& name, std::uint64_t count)>& report);

  /// Values not kept since the last call because the vehicle has more series than we track.
  std::uint64_t take_untracked() { return std::exchange(untracked_, 0); }

  /// Rules that match no signal of any bus, as sentences with the rule's JSON path.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  /// Everything a decision needs, side by side.
  struct State {
    double last_value;  // last kept; NaN before the first
    double deadband;    // infinite when only the period counts
    double valid_min;
    double valid_max;
    std::int64_t next_change_ns;
    std::int64_t next_period_ns;  // kNever without a period
    std::int64_t period_ns;
    std::int64_t min_interval_ns;
    double pending_value;
    std::int64_t pending_ns;  // kNever when nothing waits
    SeriesIndex series;       // kDropped when the rule drops it
    std::uint32_t invalid;    // since the last take_invalid
  };

  /// Where the states of one message's slots begin; per sender when it is matched by PGN.
  struct MessageStates {
    std::uint32_t first_slot = 0;
    std::uint32_t base = 0;
    std::unique_ptr<std::array<std::uint32_t, 256>> base_of_source;
  };

  void name_slots();
  std::uint32_t add_states(std::size_t bus, std::int32_t message, std::int32_t source_address);
  State new_state(const SignalRule* rule, SeriesIndex series) const;
  std::string name_of(std::size_t bus, std::uint32_t slot, const SignalRule& rule,
                      std::int32_t source_address);
  const SignalRule* rule_for(const SlotInfo& slot, std::int32_t source_address) const;
  std::uint32_t base_of(std::size_t bus, const DecodedFrame& frame);
  static bool is_due(State& state, double value, std::int64_t now_ns);
  void restart_timers();
  void warn_of_idle_rules();

  const std::vector<SignalRule> rules_;
  const std::vector<Bus> buses_;
  std::vector<std::vector<MessageStates>> messages_;  // [bus][message]
  std::vector<std::vector<std::string>> names_;       // [bus][slot], without the sender
  std::vector<State> states_;
  std::vector<SeriesInfo> series_;
  std::set<std::string> used_names_;
  std::vector<std::string> warnings_;
  std::int64_t last_ns_ = 0;  // stamp of the last frame
  std::uint64_t untracked_ = 0;
};

}  // namespace outrider
