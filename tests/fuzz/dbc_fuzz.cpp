// SPDX-License-Identifier: Apache-2.0
// Any bytes as a DBC file: what is read must be consistent, and frames of its messages must decode to numbers.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string_view>

#include "agent/base/ensure.h"
#include "agent/decode/dbc.h"
#include "agent/decode/decoder.h"

using namespace outrider;

namespace {

/// What every reader of a Dbc relies on.
void ensure_consistent(const DbcMessage& message) {
  ENSURE(message.id <= (message.is_extended ? 0x1FFFFFFFU : 0x7FFU));
  ENSURE(!message.is_j1939 || message.is_extended);
  const auto count = static_cast<std::int32_t>(message.signals.size());
  for (const DbcSignal& signal : message.signals) {
    ENSURE(!signal.name.empty() && signal.width >= 1 && signal.width <= 64);
    ENSURE(std::isfinite(signal.factor.value) && std::isfinite(signal.offset.value));
    ENSURE(signal.selector >= -1 && signal.selector < count);
    ENSURE((signal.selector < 0) == signal.selected_by.empty());
    std::int32_t ancestor = signal.selector;
    for (std::int32_t steps = 0; ancestor >= 0; ++steps) {
      ENSURE(steps <= count);
      ancestor = message.signals[static_cast<std::size_t>(ancestor)].selector;
    }
  }
}

void decode_some(const Dbc& dbc, Decoder& decoder, std::string_view text) {
  CanFrame frame;
  constexpr std::size_t kMostMessages = 50;
  for (std::size_t i = 0; i < std::min(dbc.messages.size(), kMostMessages); ++i) {
    const DbcMessage& message = dbc.messages[i];
    frame.id = message.id;
    frame.flags = static_cast<std::uint8_t>(message.is_extended ? CanFrame::kExtended : 0);
    frame.length = static_cast<std::uint8_t>(std::min<std::size_t>(message.length, frame.data.size()));
    for (std::size_t byte = 0; byte < frame.length; ++byte)
      frame.data[byte] = static_cast<std::uint8_t>(text[(i * 7 + byte) % text.size()]);
    const DecodedFrame decoded = decoder.decode(frame);
    for (const DecodedValue& value : decoded.values)
      ENSURE(value.slot < decoder.slot_count() && std::isfinite(value.value));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Result<Dbc> parsed = parse_dbc(text, "fuzz.dbc");
  const bool is_strictly_fine = static_cast<bool>(parse_dbc(text, "fuzz.dbc", true));
  ENSURE(is_strictly_fine == (parsed && parsed->warnings.empty()));
  if (!parsed) return 0;
  const auto dbc = std::make_shared<const Dbc>(std::move(*parsed));
  for (const DbcMessage& message : dbc->messages) ensure_consistent(message);
  for (const IdMatching matching : {IdMatching::kAuto, IdMatching::kPgn}) {
    Decoder decoder({dbc}, matching, [](const DbcMessage&, const DbcSignal&) { return true; });
    decode_some(*dbc, decoder, text);
  }
  return 0;
}
