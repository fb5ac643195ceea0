// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/decode/dbc.h"
#include "agent/decode/decoder.h"

namespace outrider {

/// "0.125" as the parser would keep it.
inline Decimal decimal(const std::string& text) {
  Decimal result;
  result.value = std::stod(text);
  std::string digits = text;
  const std::size_t point = digits.find('.');
  if (point != std::string::npos) {
    result.decimals = static_cast<int>(digits.size() - point - 1);
    digits.erase(point, 1);
  }
  result.digits = std::stoll(digits);
  return result;
}

/// A signal from DBC notation: start bit, width, "@1+", "@1-", "@0+" or "@0-".
inline DbcSignal signal_of(const std::string& name, unsigned start, unsigned width, std::string_view kind,
                           const std::string& factor = "1", const std::string& offset = "0") {
  DbcSignal signal;
  signal.name = signal.short_name = name;
  signal.start_bit = static_cast<std::uint16_t>(start);
  signal.width = static_cast<std::uint16_t>(width);
  signal.order = kind[1] == '1' ? ByteOrder::kIntel : ByteOrder::kMotorola;
  signal.type = kind[2] == '-' ? ValueType::kSigned : ValueType::kUnsigned;
  signal.factor = decimal(factor);
  signal.offset = decimal(offset);
  return signal;
}

/// `signal`, present when the raw value of the signal at index `selector` is in one of the ranges.
inline DbcSignal under(std::int32_t selector, std::vector<SelectorRange> values, DbcSignal signal) {
  signal.selector = selector;
  signal.selected_by = std::move(values);
  return signal;
}

inline DbcSignal as_selector(DbcSignal signal) {
  signal.is_selector = true;
  return signal;
}

inline DbcMessage message_of(const std::string& name, std::uint32_t id, std::uint16_t length,
                             std::vector<DbcSignal> signals) {
  DbcMessage message;
  message.name = message.short_name = name;
  message.id = id;
  message.is_extended = id > 0x7FF;
  message.length = length;
  message.signals = std::move(signals);
  return message;
}

inline DbcMessage j1939_message(const std::string& name, std::uint32_t id, std::vector<DbcSignal> signals) {
  DbcMessage message = message_of(name, id, 8, std::move(signals));
  message.is_j1939 = true;
  return message;
}

inline std::shared_ptr<const Dbc> dbc_of(std::vector<DbcMessage> messages,
                                         const std::string& name = "test.dbc") {
  Dbc dbc;
  dbc.name = name;
  dbc.messages = std::move(messages);
  return std::make_shared<const Dbc>(std::move(dbc));
}

inline bool all_wanted(const DbcMessage&, const DbcSignal&) { return true; }

inline Decoder decoder_of(std::vector<DbcMessage> messages, IdMatching matching = IdMatching::kAuto) {
  return Decoder({dbc_of(std::move(messages))}, matching, all_wanted);
}

inline CanFrame frame_of(std::uint32_t id, const std::vector<std::uint8_t>& bytes) {
  CanFrame frame;
  frame.id = id;
  if (id > 0x7FF) frame.flags = CanFrame::kExtended;
  frame.length = static_cast<std::uint8_t>(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) frame.data[i] = bytes[i];
  return frame;
}

/// Name and value of everything that was present, in the decoder's order.
using NamedValues = std::vector<std::pair<std::string, double>>;
inline NamedValues decode_all(Decoder& decoder, const CanFrame& frame) {
  NamedValues values;
  for (const DecodedValue& value : decoder.decode(frame).values)
    values.emplace_back(decoder.slot(value.slot).signal->name, value.value);
  return values;
}

}  // namespace outrider
