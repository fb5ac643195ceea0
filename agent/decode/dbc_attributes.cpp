// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/dbc_attributes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "agent/decode/dbc_lexer.h"

namespace outrider {

namespace {

using Scope = DbcAttributes::Scope;
using Target = DbcAttributes::Target;

struct Meaningful {
  std::string_view name;
  Scope scope;
};

constexpr std::array<Meaningful, 8> kMeaningful = {{
    {"VFrameFormat", Scope::kMessage},
    {"GenMsgCycleTime", Scope::kMessage},
    {"SystemMessageLongSymbol", Scope::kMessage},
    {"SPN", Scope::kSignal},
    {"GenSigStartValue", Scope::kSignal},
    {"SystemSignalLongSymbol", Scope::kSignal},
    {"ProtocolType", Scope::kNetwork},
    {"BusType", Scope::kNetwork},
}};

const Meaningful* meaning_of(std::string_view name) {
  const auto* found = std::find_if(kMeaningful.begin(), kMeaningful.end(),
                                   [&](const Meaningful& m) { return m.name == name; });
  return found == kMeaningful.end() ? nullptr : &*found;
}

std::pair<std::size_t, std::size_t> key_of(const Target& target) {
  switch (target.scope) {
    case Scope::kNetwork:
      return {0, 0};
    case Scope::kMessage:
      return {target.message, 0};
    case Scope::kSignal:
      return {target.message, target.signal};
  }
  return {0, 0};
}

std::string resolved(const std::string& value, const std::vector<std::string>& choices) {
  if (choices.empty() || std::find(choices.begin(), choices.end(), value) != choices.end()) return value;
  const std::optional<Decimal> index = parse_decimal(value);
  if (!index || index->value < 0 || index->value >= static_cast<double>(choices.size())) return value;
  return choices[static_cast<std::size_t>(index->value)];
}

std::optional<std::uint32_t> whole_above_zero(std::optional<double> number) {
  constexpr double kMost = std::numeric_limits<std::uint32_t>::max();
  if (!number || !(*number >= 1) || *number > kMost) return std::nullopt;
  return static_cast<std::uint32_t>(std::lround(std::min(*number, kMost)));
}

/// Vector's numbering, for files that declare VFrameFormat as a plain number.
std::string frame_format_name(const std::string& written) {
  if (written == "0") return "StandardCAN";
  if (written == "1") return "ExtendedCAN";
  if (written == "3") return "J1939PG";
  if (written == "14") return "StandardCAN_FD";
  if (written == "15") return "ExtendedCAN_FD";
  return written;
}

}  // namespace

bool DbcAttributes::is_meaningful(std::string_view name) { return meaning_of(name) != nullptr; }

void DbcAttributes::define(std::string_view name, Scope scope, std::vector<std::string> choices) {
  const Meaningful* meaning = meaning_of(name);
  if (meaning == nullptr || meaning->scope != scope) return;  // a namesake that belongs to something else
  Attribute& attribute = attributes_[std::string(name)];
  attribute.scope = scope;
  attribute.choices = std::move(choices);
}

void DbcAttributes::set_default(std::string_view name, std::string value) {
  if (is_meaningful(name)) attributes_[std::string(name)].standard = std::move(value);
}

void DbcAttributes::set(std::string_view name, const Target& target, std::string value) {
  const Meaningful* meaning = meaning_of(name);
  if (meaning == nullptr || meaning->scope != target.scope) return;
  attributes_[std::string(name)].values.insert_or_assign(key_of(target), std::move(value));
}

const DbcAttributes::Attribute* DbcAttributes::find(std::string_view name) const {
  const auto found = attributes_.find(name);
  return found == attributes_.end() ? nullptr : &found->second;
}

bool DbcAttributes::knows(std::string_view name) const {
  const Attribute* attribute = find(name);
  return attribute != nullptr && (attribute->scope || !attribute->values.empty());
}

std::optional<std::string> DbcAttributes::own_text(std::string_view name, const Target& target) const {
  const Attribute* attribute = find(name);
  if (attribute == nullptr) return std::nullopt;
  const auto value = attribute->values.find(key_of(target));
  if (value == attribute->values.end()) return std::nullopt;
  return resolved(value->second, attribute->choices);
}

std::optional<std::string> DbcAttributes::text(std::string_view name, const Target& target) const {
  if (std::optional<std::string> own = own_text(name, target)) return own;
  const Attribute* attribute = find(name);
  if (attribute == nullptr || !attribute->scope || !attribute->standard) return std::nullopt;
  return resolved(*attribute->standard, attribute->choices);
}

std::optional<double> DbcAttributes::number(std::string_view name, const Target& target) const {
  const std::optional<std::string> written = text(name, target);
  if (!written) return std::nullopt;
  const std::optional<Decimal> decimal = parse_decimal(*written);
  return decimal ? std::optional(decimal->value) : std::nullopt;
}

namespace {

bool is_fd_length(std::uint16_t length) {
  constexpr std::array<std::uint16_t, 7> kAboveEight = {12, 16, 20, 24, 32, 48, 64};
  return std::find(kAboveEight.begin(), kAboveEight.end(), length) != kAboveEight.end();
}

/// True when the extended ids of a file are J1939 templates: all carry the same address that no sender can have, 0xFE
/// (null) or 0xFF (everybody), and none sets the bit that J1939 reserves. Source: J1939-81; such ids would match no frame.
bool has_placeholder_addresses(const Dbc& dbc) {
  constexpr std::uint32_t kReservedBit = 1U << 25U;
  std::optional<std::uint32_t> address;
  for (const DbcMessage& message : dbc.messages) {
    if (!message.is_extended) continue;
    const std::uint32_t source = message.id & 0xFFU;
    if (source < 0xFE || (message.id & kReservedBit) != 0 || source != address.value_or(source)) return false;
    address = source;
  }
  return address.has_value();
}

/// Says in what frames each message travels. What is set for the message itself outweighs what is said of the network,
/// and that outweighs a default.
class FrameKinds {
 public:
  FrameKinds(const DbcAttributes& attributes, const Dbc& dbc)
      : attributes_(attributes),
        is_network_j1939_(attributes.text("ProtocolType", {}).value_or("") == "J1939"),
        is_network_fd_(attributes.text("BusType", {}).value_or("") == "CAN FD"),
        is_placeholder_file_(!attributes.knows("VFrameFormat") && has_placeholder_addresses(dbc)) {}

  void classify(DbcMessage& message, std::size_t index) const {
    const Target target{Scope::kMessage, index, 0};
    const std::optional<std::string> own = attributes_.own_text("VFrameFormat", target);
    const std::string format = frame_format_name(attributes_.text("VFrameFormat", target).value_or(""));
    const bool is_own_plain = own && frame_format_name(*own).starts_with("ExtendedCAN");
    message.is_j1939 = message.is_extended && !is_own_plain &&
                       (format == "J1939PG" || is_network_j1939_ || is_placeholder_file_);
    const bool is_long = message.length > 8 && message.length <= 64;
    message.is_fd = format.find("_FD") != std::string::npos || (is_long && is_network_fd_) ||
                    (is_fd_length(message.length) && !message.is_j1939);
  }

 private:
  const DbcAttributes& attributes_;
  bool is_network_j1939_;
  bool is_network_fd_;
  bool is_placeholder_file_;
};

void apply_to_signal(const DbcAttributes& attributes, const Target& target, DbcSignal& signal) {
  if (const auto name = attributes.own_text("SystemSignalLongSymbol", target); name && !name->empty())
    signal.name = *name;
  signal.spn = whole_above_zero(attributes.number("SPN", target));
  signal.start_value_raw = attributes.number("GenSigStartValue", target);
}

/// Two signals may not share a long name: the later one keeps its short name.
void settle_long_names(DbcMessage& message, DbcDraft& draft) {
  std::map<std::string, std::string, std::less<>> short_of;  // long name → short name
  for (DbcSignal& signal : message.signals) {
    const auto [taken, is_new] = short_of.emplace(signal.name, signal.short_name);
    if (is_new || taken->second == signal.short_name) continue;  // namesakes exclude each other by selector
    draft.warn(message.line, "the long name '" + signal.name + "' in '" + message.short_name +
                                 "' belongs to '" + taken->second + "'; '" + signal.short_name +
                                 "' keeps its short name");
    signal.name = signal.short_name;
  }
}

}  // namespace

void apply_attributes(const DbcAttributes& attributes, DbcDraft& draft) {
  Dbc& dbc = draft.dbc();
  const FrameKinds kinds(attributes, dbc);
  for (std::size_t m = 0; m < dbc.messages.size(); ++m) {
    DbcMessage& message = dbc.messages[m];
    const Target target{Scope::kMessage, m, 0};
    if (const auto name = attributes.own_text("SystemMessageLongSymbol", target); name && !name->empty())
      message.name = *name;
    message.cycle_time_ms = whole_above_zero(attributes.number("GenMsgCycleTime", target));
    kinds.classify(message, m);
    for (std::size_t s = 0; s < message.signals.size(); ++s)
      apply_to_signal(attributes, {Scope::kSignal, m, s}, message.signals[s]);
    settle_long_names(message, draft);
  }
}

}  // namespace outrider
