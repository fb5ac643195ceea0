// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/decoder.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "agent/base/ensure.h"
#include "agent/decode/byte_order.h"
#include "agent/decode/decode_plan.h"
#include "agent/decode/j1939.h"

namespace outrider {
namespace {

/// Offset binary number of a step, and its physical value.
template <unsigned Kind>
[[gnu::always_inline]] inline std::uint64_t bits_of(const Step& step, const std::uint8_t* data) {
  return ((load_eight<(Kind & kStepMotorola) != 0>(data + step.base) >> step.shift) & step.mask) ^ step.sign;
}
template <unsigned Kind>
[[gnu::always_inline]] inline double value_of(const Step& step, std::uint64_t bits) {
  // Fewer than 64 bits: as a signed number it is one instruction on most processors.
  const double value = static_cast<double>(static_cast<std::int64_t>(bits)) * step.factor + step.offset;
  return (Kind & kStepDivided) != 0 ? value / step.divisor : value;
}

/// Every step gives a value: 16 instructions each on x86-64. `values` has the slots written already.
template <unsigned Kind>
[[gnu::always_inline]] inline void fill(const Step* step, const Step* end, const std::uint8_t* data,
                                        DecodedValue* values) {
  do {
    values->value = value_of<Kind>(*step, bits_of<Kind>(*step, data));
    ++values;
  } while (++step != end);
}

/// The same for messages whose signals differ in byte order and scaling: both orders are loaded and one is picked, and
/// dividing by 1 changes nothing, so that no branch depends on the signal.
[[gnu::always_inline]] inline void fill_mixed(const Step* step, const Step* end, const std::uint8_t* data,
                                              DecodedValue* values) {
  do {
    const std::uint64_t intel = load_eight<false>(data + step->base);
    const std::uint64_t loaded = step->is_motorola ? __builtin_bswap64(intel) : intel;
    const std::uint64_t bits = ((loaded >> step->shift) & step->mask) ^ step->sign;
    values->value = value_of<kStepDivided>(*step, bits);
    ++values;
  } while (++step != end);
}

/// Some steps may give none: stored first, then kept or overwritten, so that no branch depends on the data.
template <unsigned Kind>
[[gnu::always_inline]] inline DecodedValue* push(const Step* step, const Step* end, const std::uint8_t* data,
                                                 DecodedValue* out) {
  do {
    const std::uint64_t bits = bits_of<Kind>(*step, data);
    out->slot = step->slot;
    out->value = value_of<Kind>(*step, bits);
    out += (Kind & kStepCoded) == 0 || bits <= step->last_value ? 1 : 0;
  } while (++step != end);
  return out;
}

double rare_raw(const RareStep& rare, std::uint64_t raw, std::uint64_t sign) {
  switch (rare.type) {
    case ValueType::kUnsigned:
      return static_cast<double>(raw);
    case ValueType::kSigned:
      return static_cast<double>(static_cast<std::int64_t>((raw ^ sign) - sign));
    case ValueType::kFloat32:
      return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(raw)));
    case ValueType::kFloat64:
      break;
  }
  return std::bit_cast<double>(raw);
}

}  // namespace

struct Decoder::Plan {
  Plan(std::vector<std::shared_ptr<const Dbc>> dbc_files, IdMatching matching, const Wanted& wanted);

  const DecodedFrame& decode_any(std::int32_t index, const CanFrame& frame);
  const DecodedFrame& decode_coded(std::int32_t index, const MessagePlan& message, const CanFrame& frame);
  const Program& case_of(const MessagePlan& message, const CanFrame& frame) const;
  bool is_met(std::int32_t condition, const CanFrame& frame) const;
  DecodedValue* decode_run(const Run& run, const CanFrame& frame, DecodedValue* out);
  DecodedValue* decode_hard_run(const Run& run, const CanFrame& frame, DecodedValue* out);
  DecodedValue* decode_rare(const Step& step, const std::uint8_t* data, DecodedValue* out);

  std::vector<std::shared_ptr<const Dbc>> files;
  outrider::Plan compiled;
  std::vector<DecodedValue> by_slot;  // values of frames that have all their signals
  std::vector<DecodedValue> present;  // values of other frames; one more than any message has
  DecodedFrame any;                   // what the last frame was, unless it was a plain one
  DecodeCounters counters;
};

Decoder::Plan::Plan(std::vector<std::shared_ptr<const Dbc>> dbc_files, IdMatching matching,
                    const Wanted& wanted)
    : files(std::move(dbc_files)),
      compiled(compile_plan(files, matching, wanted)),
      by_slot(compiled.slots.size()),
      present(compiled.most_values + 1) {
  for (std::size_t i = 0; i < by_slot.size(); ++i) by_slot[i].slot = static_cast<std::uint32_t>(i);
}

const Program& Decoder::Plan::case_of(const MessagePlan& message, const CanFrame& frame) const {
  const Switch& choice = compiled.switches[static_cast<std::size_t>(message.selected)];
  if (choice.selector.needed > frame.length) return message.program;
  const std::uint64_t raw = raw_bits(choice.selector, frame.data.data());
  const auto above = std::upper_bound(choice.from.begin(), choice.from.end(), raw);
  return choice.programs[static_cast<std::size_t>(above - choice.from.begin()) - 1];
}

bool Decoder::Plan::is_met(std::int32_t condition, const CanFrame& frame) const {
  while (condition >= 0) {
    const Condition& check = compiled.conditions[static_cast<std::size_t>(condition)];
    if (check.selector.needed > frame.length) return false;
    const std::uint64_t raw = raw_bits(check.selector, frame.data.data());
    const auto has_raw = [raw](const SelectorRange& range) {
      return range.first <= raw && raw <= range.last;
    };
    if (std::none_of(check.selected_by.begin(), check.selected_by.end(), has_raw)) return false;
    condition = check.parent;
  }
  return true;
}

DecodedValue* Decoder::Plan::decode_rare(const Step& step, const std::uint8_t* data, DecodedValue* out) {
  const RareStep& rare = compiled.rare[step.rare];
  const std::uint64_t raw = raw_bits(rare.bits, data);
  if (rare.is_coded && (raw ^ step.sign) > step.last_value) {
    ++counters.unavailable;
    return out;
  }
  const double value = (rare_raw(rare, raw, step.sign) * step.factor + step.offset) / step.divisor;
  if (!std::isfinite(value)) {
    ++counters.not_finite;
    return out;
  }
  *out = {step.slot, value};
  return out + 1;
}

/// What is not one of the tight loops: conditions, frames too short for the whole run, rare steps.
[[gnu::noinline]] DecodedValue* Decoder::Plan::decode_hard_run(const Run& run, const CanFrame& frame,
                                                               DecodedValue* out) {
  if (run.condition >= 0 && !is_met(run.condition, frame)) return out;
  Run single = run;
  single.condition = -1;
  single.kind = run.kind & static_cast<std::uint8_t>(~kStepConditional);
  single.count = 1;
  for (std::uint32_t i = 0; i < run.count; ++i, ++single.first) {
    const Step& step = compiled.steps[single.first];
    single.needed = step.needed;
    if (step.needed > frame.length)
      ++counters.short_signals;
    else if ((run.kind & kStepRare) != 0)
      out = decode_rare(step, frame.data.data(), out);
    else
      out = decode_run(single, frame, out);
  }
  return out;
}

[[gnu::always_inline]] inline DecodedValue* Decoder::Plan::decode_run(const Run& run, const CanFrame& frame,
                                                                      DecodedValue* out) {
  if (run.needed > frame.length) return decode_hard_run(run, frame, out);
  const Step* const first = compiled.steps.data() + run.first;
  const Step* const end = first + run.count;
  const std::uint8_t* const data = frame.data.data();
  DecodedValue* last = out;
  switch (run.kind) {
    case 0:
      return push<0>(first, end, data, out);
    case 1:
      return push<1>(first, end, data, out);
    case 2:
      return push<2>(first, end, data, out);
    case 3:
      return push<3>(first, end, data, out);
    case 4:
      last = push<4>(first, end, data, out);
      break;
    case 5:
      last = push<5>(first, end, data, out);
      break;
    case 6:
      last = push<6>(first, end, data, out);
      break;
    case 7:
      last = push<7>(first, end, data, out);
      break;
    default:
      return decode_hard_run(run, frame, out);
  }
  counters.unavailable += run.count - static_cast<std::uint64_t>(last - out);
  return last;
}

/// Any frame, whatever it lacks. `index` -1: no message has its identifier.
[[gnu::noinline]] const DecodedFrame& Decoder::Plan::decode_any(std::int32_t index, const CanFrame& frame) {
  any = {};
  if (frame.is(CanFrame::kError)) {
    ++counters.errors;
    return any;
  }
  if (index < 0) return any;
  if (frame.is(CanFrame::kRemote)) {
    ++counters.remote;
    return any;
  }
  ++counters.matched;
  const MessagePlan& message = compiled.messages[static_cast<std::size_t>(index)];
  const Program& program = message.selected < 0 ? message.program : case_of(message, frame);
  const Run* run = compiled.runs.data() + program.first;
  DecodedValue* const first = present.data();
  DecodedValue* out = first;
  for (const Run* const end = run + program.count; run != end; ++run) out = decode_run(*run, frame, out);
  any = {index,
         message.is_by_group ? source_address_of(frame.id) : -1,
         {first, static_cast<std::size_t>(out - first)}};
  return any;
}

/// A complete frame of a parameter group whose signals are one run.
[[gnu::noinline]] const DecodedFrame& Decoder::Plan::decode_coded(std::int32_t index,
                                                                  const MessagePlan& message,
                                                                  const CanFrame& frame) {
  const Step* const first = compiled.steps.data() + message.first_slot;
  const Step* const end = first + message.slot_count;
  const std::uint8_t* const data = frame.data.data();
  DecodedValue* const values = present.data();
  const DecodedValue* last = nullptr;
  switch (message.plain_kind) {
    case kStepCoded:
      last = push<kStepCoded>(first, end, data, values);
      break;
    case kStepCoded | kStepDivided:
      last = push<kStepCoded | kStepDivided>(first, end, data, values);
      break;
    case kStepCoded | kStepMotorola:
      last = push<kStepCoded | kStepMotorola>(first, end, data, values);
      break;
    default:
      last = push<kStepCoded | kStepDivided | kStepMotorola>(first, end, data, values);
      break;
  }
  const auto count = static_cast<std::size_t>(last - values);
  counters.unavailable += message.slot_count - count;
  any = {index, source_address_of(frame.id), {values, count}};
  return any;
}

Decoder::Decoder(std::vector<std::shared_ptr<const Dbc>> files, IdMatching matching, const Wanted& wanted)
    : plan_(std::make_unique<Plan>(std::move(files), matching, wanted)) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

/// The common frame: complete, and all its signals are numbers of one kind. Everything else is decode_any's.
DecodedFrame Decoder::decode(const CanFrame& frame) {
  Plan& plan = *plan_;
  ++plan.counters.frames;
  const std::int32_t index = plan.compiled.index.find(frame);
  if (index < 0) return plan.decode_any(index, frame);
  const MessagePlan& message = plan.compiled.messages[static_cast<std::size_t>(index)];
  const bool is_data = (frame.flags & (CanFrame::kError | CanFrame::kRemote)) == 0;
  if (!is_data || frame.length < message.plain_from) return plan.decode_any(index, frame);
  ++plan.counters.matched;

  const Step* const first = plan.compiled.steps.data() + message.first_slot;
  const Step* const end = first + message.slot_count;
  const std::uint8_t* const data = frame.data.data();
  DecodedValue* const values = plan.by_slot.data() + message.first_slot;
  switch (message.plain_kind) {
    case 0:
      fill<0>(first, end, data, values);
      break;
    case kStepMotorola:
      fill<kStepMotorola>(first, end, data, values);
      break;
    case kStepDivided:
      fill<kStepDivided>(first, end, data, values);
      break;
    case kStepMixed:
      fill_mixed(first, end, data, values);
      break;
    case kStepMotorola | kStepDivided:
      fill<kStepMotorola | kStepDivided>(first, end, data, values);
      break;
    default:
      return plan.decode_coded(index, message, frame);
  }
  return {index, -1, {values, message.slot_count}};  // steps of parameter groups are coded: not here
}

std::size_t Decoder::slot_count() const { return plan_->compiled.slots.size(); }

const SlotInfo& Decoder::slot(std::uint32_t index) const {
  ENSURE(index < plan_->compiled.slots.size());
  return plan_->compiled.slots[index];
}

std::size_t Decoder::message_count() const { return plan_->compiled.messages.size(); }

bool Decoder::is_matched_by_pgn(std::int32_t message) const {
  ENSURE(message >= 0 && static_cast<std::size_t>(message) < plan_->compiled.messages.size());
  return plan_->compiled.messages[static_cast<std::size_t>(message)].is_by_group;
}

const DbcMessage& Decoder::message(std::int32_t index) const {
  ENSURE(index >= 0 && static_cast<std::size_t>(index) < plan_->compiled.messages.size());
  return *plan_->compiled.messages[static_cast<std::size_t>(index)].message;
}

std::pair<std::uint32_t, std::uint32_t> Decoder::slots_of(std::int32_t message) const {
  ENSURE(message >= 0 && static_cast<std::size_t>(message) < plan_->compiled.messages.size());
  const MessagePlan& plan = plan_->compiled.messages[static_cast<std::size_t>(message)];
  return {plan.first_slot, plan.slot_count};
}

const DecodeCounters& Decoder::counters() const { return plan_->counters; }
const std::vector<std::string>& Decoder::warnings() const { return plan_->compiled.warnings; }

}  // namespace outrider
