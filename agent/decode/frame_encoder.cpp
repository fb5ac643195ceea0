// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/frame_encoder.h"

#include <utility>

#include "agent/decode/decoder.h"
#include "agent/decode/signal_bits.h"

namespace outrider {
namespace {

constexpr std::uint16_t kClassicBytes = 8;

bool fits_one_frame(const DbcMessage& message) {
  const bool is_classic_only = message.is_j1939 && !message.is_fd;
  return message.length <= (is_classic_only ? kClassicBytes : kFrameBytes);
}

}  // namespace

DbcFrameEncoder::DbcFrameEncoder(std::vector<std::shared_ptr<const Dbc>> files) : files_(std::move(files)) {
  for (const auto& file : files_)
    for (const DbcMessage& message : file->messages)
      if (fits_one_frame(message)) add(message);
}

void DbcFrameEncoder::add(const DbcMessage& message) {
  Entry entry{&message, {}};
  for (const DbcSignal& signal : message.signals) {
    entry.signals.emplace(signal.name, &signal);
    entry.signals.emplace(signal.short_name, &signal);
  }
  by_name_.emplace(message.name, entries_.size());
  by_name_.emplace(message.short_name, entries_.size());
  entries_.push_back(std::move(entry));
}

std::optional<CanFrame> DbcFrameEncoder::encode(std::string_view message,
                                                std::span<const SignalValue> values) const {
  const auto found = by_name_.find(message);
  if (found == by_name_.end()) return std::nullopt;
  const Entry& entry = entries_[found->second];

  CanFrame frame;
  frame.id = entry.message->id;
  frame.length = static_cast<std::uint8_t>(entry.message->length);
  if (entry.message->is_extended) frame.flags |= CanFrame::kExtended;
  if (entry.message->is_fd || frame.length > kClassicBytes) frame.flags |= CanFrame::kFd;
  const std::span<std::uint8_t> payload(frame.data.data(), frame.length);
  for (const SignalValue& value : values) {
    const auto signal = entry.signals.find(value.name);
    // A signal past the end of its message has no place in the frame.
    if (signal != entry.signals.end()) (void)encode_signal(*signal->second, value.value, payload);
  }
  return frame;
}

}  // namespace outrider
