// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/decode/decoder.h"
#include "agent/decode/message_index.h"
#include "agent/decode/signal_bits.h"

namespace outrider {

/// What a step does, as flags; steps of one kind run in one tight loop.
enum StepKind : std::uint8_t {
  kStepMotorola = 1,
  kStepDivided = 2,       ///< The scaling ends with a division.
  kStepCoded = 4,         ///< Raw values above `last_value` are J1939 codes and not published.
  kStepRare = 8,          ///< IEEE numbers, 64 bits, nine bytes, values that may not be finite: see RareStep.
  kStepConditional = 16,  ///< Only in runs: `condition` has to be looked at.
  kStepMixed = 32,        ///< Only as MessagePlan::plain_kind: both byte orders, divided or not.
};

/// How to get one value out of a frame: load, shift, mask, flip the sign bit, scale. 64 bytes: one cache line.
struct alignas(64) Step {
  double factor = 1;
  double offset = 0;
  double divisor = 1;
  std::uint64_t mask = 0;
  std::uint64_t sign =
      0;  ///< The sign bit of signed signals: x ^ sign is offset binary, which `offset` undoes.
  std::uint64_t last_value = 0;  ///< kStepCoded: the largest x ^ sign that is a value.
  std::uint32_t slot = 0;
  std::uint16_t needed = 0;  ///< Bytes the frame must have.
  std::uint8_t base = 0;     ///< As in SignalBits.
  std::uint8_t shift = 0;
  std::uint32_t rare = 0;    ///< kStepRare: index in Plan::rare.
  bool is_motorola = false;  ///< For loops over steps of both byte orders.
};

/// What a step of kind kStepRare needs besides.
struct RareStep {
  SignalBits bits;
  ValueType type = ValueType::kUnsigned;
  bool is_coded = false;
};

/// Steps that follow each other, are of one kind and are present under the same condition.
struct Run {
  std::uint32_t first = 0;  ///< In Plan::steps.
  std::uint32_t count = 0;
  std::int32_t condition = -1;  ///< In Plan::conditions; -1: always.
  std::uint16_t needed = 0;     ///< Most bytes that a step of it needs.
  std::uint8_t kind = 0;        ///< StepKind flags.
};

/// The runs of a message, or of a message under one value of its main selector.
struct Program {
  std::uint32_t first = 0;  ///< In Plan::runs.
  std::uint32_t count = 0;
};

/// A selector other than the main one must have one of these raw values, and be present itself.
struct Condition {
  SignalBits selector;
  std::vector<SelectorRange> selected_by;
  std::int32_t parent = -1;  ///< In Plan::conditions: what the selector itself depends on.
};

/// Programs by the raw value of a message's main selector, so that the signals of other cases cost nothing.
struct Switch {
  SignalBits selector;
  std::vector<std::uint64_t> from;  ///< Ascending, from 0: programs[i] serves raw from[i] .. from[i+1]-1.
  std::vector<Program> programs;
};

/// What to do with a frame of a message; 32 bytes, so that finding one is a shift.
struct MessagePlan {
  static constexpr std::uint16_t kNever = 0xFFFF;

  Program program;             ///< All runs; with a switch: those that do not depend on the main selector.
  std::int32_t selected = -1;  ///< In Plan::switches; -1: no multiplexing.
  /// A frame of at least so many bytes is one run of `plain_kind` over all slots; kNever when it is not so simple.
  std::uint16_t plain_from = kNever;
  std::uint8_t plain_kind = 0;
  bool is_by_group = false;  ///< Matched by parameter group: frames have a source address.
  std::uint32_t first_slot = 0;
  std::uint32_t slot_count = 0;
  const DbcMessage* message = nullptr;
};

/// DBC files compiled to flat arrays.
struct Plan {
  explicit Plan(std::size_t most_messages) : index(most_messages) {}

  MessageIndex index;
  std::vector<MessagePlan> messages;
  std::vector<Run> runs;
  std::vector<Step> steps;  ///< One per slot, in the same order.
  std::vector<RareStep> rare;
  std::vector<Condition> conditions;
  std::vector<Switch> switches;
  std::vector<SlotInfo> slots;
  std::vector<std::string> warnings;
  std::size_t most_values = 0;  ///< Slots of the largest message.
};

Plan compile_plan(const std::vector<std::shared_ptr<const Dbc>>& files, IdMatching matching,
                  const Decoder::Wanted& wanted);

}  // namespace outrider
