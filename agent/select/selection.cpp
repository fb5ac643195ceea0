// SPDX-License-Identifier: Apache-2.0
#include "agent/select/selection.h"

#include <cmath>
#include <limits>
#include <map>

#include "agent/config/glob.h"

namespace outrider {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr SeriesIndex kDropped = std::numeric_limits<SeriesIndex>::max();
constexpr std::uint32_t kNoStates = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kMostSeries = 65'536;  // 5 MB of state; a vehicle has a few thousand
constexpr std::int64_t kStepBackNs = 1'000'000'000;
constexpr std::int32_t kAnySender = -1;

bool matches(const SignalRule& rule, const DbcMessage& message, const DbcSignal& signal) {
  return glob_matches(rule.message, message.name) && glob_matches(rule.signal, signal.name);
}

std::string with_source(const std::string& name, std::int32_t source_address) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  const auto address = static_cast<std::size_t>(source_address);
  return name + '@' + kHex[address >> 4 & 15] + kHex[address & 15];
}

/// Replaces names that occur more than once by what `longer` makes of them.
template <class Longer>
void lengthen_shared_names(std::vector<std::vector<std::string>>& names, Longer longer) {
  std::map<std::string, int> uses;
  for (const auto& bus : names)
    for (const std::string& name : bus) ++uses[name];
  for (std::size_t bus = 0; bus < names.size(); ++bus)
    for (std::uint32_t slot = 0; slot < names[bus].size(); ++slot)
      if (uses[names[bus][slot]] > 1) names[bus][slot] = longer(bus, slot);
}

}  // namespace

Selection::Selection(std::vector<SignalRule> rules, std::vector<Bus> buses)
    : rules_(std::move(rules)), buses_(std::move(buses)) {
  name_slots();
  messages_.resize(buses_.size());
  for (std::size_t bus = 0; bus < buses_.size(); ++bus) {
    const Decoder& decoder = *buses_[bus].decoder;
    for (std::int32_t message = 0; message < static_cast<std::int32_t>(decoder.message_count()); ++message) {
      // Series of messages that are matched by their whole id are known now; those of J1939 senders when they
      // are heard.
      const std::uint32_t base =
          decoder.is_matched_by_pgn(message) ? kNoStates : add_states(bus, message, kAnySender);
      messages_[bus].push_back(
          {.first_slot = decoder.slots_of(message).first, .base = base, .base_of_source = nullptr});
    }
  }
  warn_of_idle_rules();
}

bool Selection::is_wanted(const std::vector<SignalRule>& rules, const DbcMessage& message,
                          const DbcSignal& signal) {
  for (const SignalRule& rule : rules) {
    if (!matches(rule, message, signal)) continue;
    if (!rule.is_dropped) return true;
    if (!rule.source_address) return false;  // dropped for every sender
  }
  return false;
}

const SignalRule* Selection::rule_for(const SlotInfo& slot, std::int32_t source_address) const {
  for (const SignalRule& rule : rules_) {
    if (!matches(rule, *slot.message, *slot.signal)) continue;
    if (rule.source_address && *rule.source_address != source_address) continue;
    return rule.is_dropped ? nullptr : &rule;
  }
  return nullptr;
}

void Selection::name_slots() {
  for (const Bus& bus : buses_) {
    std::vector<std::string>& names = names_.emplace_back();
    for (std::uint32_t index = 0; index < bus.decoder->slot_count(); ++index) {
      const SlotInfo& slot = bus.decoder->slot(index);
      const SignalRule* const rule = rule_for(slot, kAnySender);
      names.push_back(rule != nullptr && rule->as ? *rule->as : slot.signal->name);
    }
  }
  lengthen_shared_names(names_, [this](std::size_t bus, std::uint32_t index) {
    const SlotInfo& slot = buses_[bus].decoder->slot(index);
    return slot.message->name + "." + slot.signal->name;
  });
  lengthen_shared_names(names_, [this](std::size_t bus, std::uint32_t index) {
    return buses_[bus].name + "." + names_[bus][index];
  });
}

Selection::State Selection::new_state(const SignalRule* rule, SeriesIndex series) const {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (rule == nullptr) series = kDropped;
  const SignalRule& chosen = rule != nullptr ? *rule : rules_.front();
  const std::int64_t period_ns = chosen.period ? nanoseconds(*chosen.period).count() : kNever;
  double deadband = chosen.deadband;
  if (!chosen.is_on_change) deadband = kInfinity;  // only the period counts
  return {.last_value = std::numeric_limits<double>::quiet_NaN(),
          .deadband = deadband,
          .valid_min = chosen.valid_min.value_or(-kInfinity),
          .valid_max = chosen.valid_max.value_or(kInfinity),
          .next_change_ns = std::numeric_limits<std::int64_t>::min(),
          .next_period_ns = chosen.period ? std::numeric_limits<std::int64_t>::min() : kNever,
          .period_ns = period_ns,
          .min_interval_ns = nanoseconds(chosen.min_interval).count(),
          .pending_value = 0,
          .pending_ns = kNever,
          .series = series,
          .invalid = 0};
}

std::uint32_t Selection::add_states(std::size_t bus, std::int32_t message, std::int32_t source_address) {
  const Decoder& decoder = *buses_[bus].decoder;
  const auto [first, count] = decoder.slots_of(message);
  if (states_.size() + count > kMostSeries) return kNoStates;
  const auto base = static_cast<std::uint32_t>(states_.size());
  for (std::uint32_t index = first; index < first + count; ++index) {
    const SlotInfo& slot = decoder.slot(index);
    const SignalRule* rule = rule_for(slot, source_address);
    states_.push_back(new_state(rule, static_cast<SeriesIndex>(series_.size())));
    if (rule == nullptr) continue;
    series_.push_back({.name = name_of(bus, index, *rule, source_address),
                       .unit = rule->unit.value_or(slot.signal->unit),
                       .source = slot.message->name + "." + slot.signal->name,
                       .bus = buses_[bus].name,
                       .decimals = slot.decimals});
  }
  return base;
}

std::string Selection::name_of(std::size_t bus, std::uint32_t slot, const SignalRule& rule,
                               std::int32_t source_address) {
  std::string name = rule.source_address ? rule.as.value_or(names_[bus][slot]) : names_[bus][slot];
  const bool is_tagged = source_address >= 0 && (!rule.source_address || used_names_.contains(name));
  if (is_tagged) name = with_source(name, source_address);
  std::string unique = name;
  for (int number = 2; !used_names_.insert(unique).second; ++number)
    unique = name + "#" + std::to_string(number);
  return unique;
}

std::uint32_t Selection::base_of(std::size_t bus, const DecodedFrame& frame) {
  MessageStates& message = messages_[bus][static_cast<std::size_t>(frame.message)];
  if (frame.source_address < 0) return message.base;
  if (!message.base_of_source) {
    message.base_of_source = std::make_unique<std::array<std::uint32_t, 256>>();
    message.base_of_source->fill(kNoStates);
  }
  std::uint32_t& base = (*message.base_of_source)[static_cast<std::size_t>(frame.source_address)];
  if (base == kNoStates) base = add_states(bus, frame.message, frame.source_address);
  return base;
}

void Selection::select(std::size_t bus, const DecodedFrame& frame, BootTime time, std::vector<Sample>& kept) {
  if (frame.values.empty()) return;
  const std::uint32_t base = base_of(bus, frame);
  if (base == kNoStates) {
    untracked_ += frame.values.size();
    return;
  }
  const std::int64_t now_ns = time.time_since_epoch().count();
  if (now_ns < last_ns_ - kStepBackNs) restart_timers();  // logs are cut together; a bus never goes back
  last_ns_ = now_ns;
  // Unsigned, so it may wrap here and back when a slot is added.
  const std::uint32_t state_of_slot =
      base - messages_[bus][static_cast<std::size_t>(frame.message)].first_slot;
  for (const DecodedValue& decoded : frame.values) {
    State& state = states_[state_of_slot + decoded.slot];
    if (state.series != kDropped && is_due(state, decoded.value, now_ns))
      kept.push_back({state.series, time, decoded.value});
  }
}

/// Decides on one value and remembers what the next decision needs.
inline bool Selection::is_due(State& state, double value, std::int64_t now_ns) {
  if (value < state.valid_min || value > state.valid_max) {
    ++state.invalid;
    return false;
  }
  const bool is_period_over = now_ns >= state.next_period_ns;
  const bool is_changed =
      !(std::fabs(value - state.last_value) <= state.deadband);  // true for the first: NaN
  if (!is_period_over && !is_changed) {
    state.pending_ns = kNever;
    return false;
  }
  if (!is_period_over && now_ns < state.next_change_ns) {
    state.pending_value = value;
    state.pending_ns = now_ns;
    return false;
  }
  state.last_value = value;
  state.pending_ns = kNever;
  state.next_change_ns = now_ns + state.min_interval_ns;
  if (is_period_over) {
    // Keeps the phase, unless more than a period was missed.
    const std::int64_t kept_phase = state.next_period_ns + state.period_ns;
    state.next_period_ns = kept_phase > now_ns ? kept_phase : now_ns + state.period_ns;
  }
  return true;
}

void Selection::flush_pending(BootTime now, std::vector<Sample>& kept) {
  const std::int64_t now_ns = now.time_since_epoch().count();
  for (State& state : states_) {
    if (state.pending_ns == kNever || now_ns < state.next_change_ns) continue;
    kept.push_back({state.series, BootTime(nanoseconds(state.pending_ns)), state.pending_value});
    state.last_value = state.pending_value;
    state.next_change_ns += state.min_interval_ns;
    state.pending_ns = kNever;
  }
}

void Selection::restart_timers() {
  for (State& state : states_) {
    state.next_change_ns = std::numeric_limits<std::int64_t>::min();
    if (state.period_ns != kNever) state.next_period_ns = std::numeric_limits<std::int64_t>::min();
  }
}

void Selection::take_invalid(const std::function<void(const std::string&, std::uint64_t)>& report) {
  for (State& state : states_) {
    if (state.invalid == 0) continue;
    report(series_[state.series].name, state.invalid);
    state.invalid = 0;
  }
}

void Selection::warn_of_idle_rules() {
  for (const SignalRule& rule : rules_) {
    bool is_used = false;
    for (const Bus& bus : buses_)
      for (std::uint32_t index = 0; index < bus.decoder->slot_count() && !is_used; ++index)
        is_used = matches(rule, *bus.decoder->slot(index).message, *bus.decoder->slot(index).signal);
    if (!is_used && !rule.is_dropped)
      warnings_.push_back(rule.path + ": no DBC message has a signal that matches \"" + rule.message + "." +
                          rule.signal + "\"");
  }
}

}  // namespace outrider
