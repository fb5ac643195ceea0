// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <limits>

#include "agent/decode/dbc_statements.h"

namespace outrider {

namespace {

constexpr std::uint32_t kExtendedBit = 1U << 31U;
constexpr std::uint32_t kExtendedMask = 0x1FFFFFFF;
constexpr std::uint32_t kStandardMask = 0x7FF;
/// Vector's collection of signals that belong to no message; its id 0xC0000000 is no frame's.
constexpr std::string_view kIndependentSignals = "VECTOR__INDEPENDENT_SIG_MSG";
constexpr std::uint64_t kIndependentId = 0xC0000000;

/// Takes the identifier out of the id as written, generously.
void set_identifier(const DbcStatement& statement, std::uint32_t written, DbcMessage& message) {
  message.is_extended = written > kStandardMask;  // bit 31 included
  message.id = written & kExtendedMask;
  if (!message.is_extended) return;
  const std::string id = "id " + std::to_string(written);
  if ((written & kExtendedBit) == 0)
    statement.warn(id + " is above 2047 but lacks bit 31 of extended ids; read as the extended id " +
                   std::to_string(message.id));
  else if ((written & ~kExtendedBit & ~kExtendedMask) != 0)
    statement.warn(id + " has more than 29 bits; read as the extended id " + std::to_string(message.id));
}

/// The node names that may follow: to the end of the line, or further after a comma.
void skip_receivers(DbcLexer& lexer) {
  bool is_list_open = false;
  while (!lexer.at_end() && !lexer.at_keyword() && (is_list_open || !lexer.at_line_start())) {
    is_list_open = lexer.accept(',');
    if (!is_list_open && lexer.word().empty()) return;
  }
}

/// "M", "m5", "m5M" or "m".
std::optional<MultiplexMark> parse_mark(std::string_view word) {
  MultiplexMark mark;
  if (word == "M") {
    mark.is_selector = true;
    return mark;
  }
  if (!word.starts_with('m')) return std::nullopt;
  word.remove_prefix(1);
  mark.is_selector = word.ends_with('M');
  if (mark.is_selector) word.remove_suffix(1);
  if (word.empty() && !mark.is_selector) {
    mark.is_bare = true;
    return mark;
  }
  std::uint64_t when = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), when);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  mark.when = when;
  return mark;
}

/// "7|16@0+"
bool read_layout(DbcStatement& statement, DbcSignal& signal) {
  DbcLexer& lexer = statement.lexer;
  const std::optional<std::uint64_t> start = lexer.whole_number();
  if (!start) return statement.broken("the start bit");
  if (!lexer.accept('|')) return statement.broken("'|' after the start bit");
  const std::optional<std::uint64_t> width = lexer.whole_number();
  if (!width) return statement.broken("the width in bits");
  if (!lexer.accept('@')) return statement.broken("'@' after the width");
  const std::string_view order = lexer.peek_word();
  const bool is_known =
      order.size() >= 2 && (order[0] == '0' || order[0] == '1') && (order[1] == '+' || order[1] == '-');
  if (!is_known || order.size() > 2) return statement.broken("the byte order and sign, one of 0+ 0- 1+ 1-");
  lexer.word();
  if (*start > std::numeric_limits<std::uint16_t>::max())
    return statement.refused("start bit " + std::to_string(*start) + " is above 65535");
  if (*width < 1 || *width > 64)
    return statement.refused("a width of " + std::to_string(*width) + " bits is no number; 1 to 64 are");
  signal.start_bit = static_cast<std::uint16_t>(*start);
  signal.width = static_cast<std::uint16_t>(*width);
  signal.order = order[0] == '0' ? ByteOrder::kMotorola : ByteOrder::kIntel;
  signal.type = order[1] == '-' ? ValueType::kSigned : ValueType::kUnsigned;
  return true;
}

/// "(0.1,-40)"
bool read_conversion(DbcStatement& statement, DbcSignal& signal) {
  DbcLexer& lexer = statement.lexer;
  if (!lexer.accept('(')) return statement.broken("'(' and the factor");
  const std::optional<Decimal> factor = lexer.decimal();
  if (!factor) return statement.broken("the factor");
  if (!lexer.accept(',')) return statement.broken("',' after the factor");
  const std::optional<Decimal> offset = lexer.decimal();
  if (!offset) return statement.broken("the offset");
  if (!lexer.accept(')')) return statement.broken("')' after the offset");
  signal.factor = *factor;
  signal.offset = *offset;
  return true;
}

/// "[0|250]", which says nothing when both are 0. Limits and unit are documentation: without them the signal stays.
void read_limits(DbcStatement& statement, DbcSignal& signal) {
  DbcLexer& lexer = statement.lexer;
  if (!lexer.accept('[')) return statement.warn("SG_ '" + signal.short_name + "' has no [minimum|maximum]");
  const std::optional<Decimal> minimum = lexer.decimal();
  const bool has_bar = lexer.accept('|');
  const std::optional<Decimal> maximum = lexer.decimal();
  const bool has_both = minimum && has_bar && maximum;
  if (has_both && (minimum->value != 0 || maximum->value != 0)) {
    signal.minimum = minimum->value;
    signal.maximum = maximum->value;
  }
  if (!has_both)
    statement.warn("SG_ '" + signal.short_name + "': [minimum|maximum] is not two numbers and is ignored");
  while (!lexer.at_line_start() && !lexer.at(']') && !lexer.at('"') && !lexer.at_end())
    if (lexer.word().empty() && !lexer.accept('|') && !lexer.accept(',')) break;
  lexer.accept(']');
}

bool read_signal_body(DbcStatement& statement, DbcSignal& signal, MultiplexMark& mark) {
  DbcLexer& lexer = statement.lexer;
  if (!lexer.at(':')) {
    const std::optional<MultiplexMark> parsed = parse_mark(lexer.peek_word());
    if (!parsed)
      return statement.broken("':' or a multiplexing mark (M, m<number>, m<number>M) after the name");
    mark = *parsed;
    lexer.word();
  }
  if (!lexer.accept(':')) return statement.broken("':'");
  if (!read_layout(statement, signal) || !read_conversion(statement, signal)) return false;
  read_limits(statement, signal);
  std::optional<std::string> unit = lexer.quoted();
  if (!unit && lexer.at('"')) return statement.broken("a unit with a closing quote on the same line");
  if (!unit) statement.warn("SG_ '" + signal.short_name + "' has no \"unit\"");
  signal.unit = unit.value_or("");
  skip_receivers(lexer);
  return true;
}

/// True when the last bit of the signal is within the message.
bool ends_inside(const DbcSignal& signal, std::uint16_t length_bytes) {
  const unsigned first_byte = signal.start_bit / 8U;
  const unsigned bits_in_first =
      signal.order == ByteOrder::kIntel ? 8U - signal.start_bit % 8U : signal.start_bit % 8U + 1U;
  const unsigned bits_after = signal.width > bits_in_first ? signal.width - bits_in_first : 0;
  return first_byte + (bits_after + 7) / 8 < length_bytes;
}

}  // namespace

bool read_message(DbcStatement& statement) {
  DbcLexer& lexer = statement.lexer;
  statement.draft.drop_message(
      std::nullopt);  // until this one is known to be whole, SG_ lines belong to nothing
  const std::optional<std::uint64_t> id = lexer.whole_number();
  if (!id || *id > std::numeric_limits<std::uint32_t>::max())
    return statement.broken("a message id below 2^32");
  const std::string_view name = read_name(statement, "the message's name");
  if (name.empty()) return false;
  if (name == kIndependentSignals || *id == kIndependentId) {
    statement.draft.drop_message(*id);
    lexer.skip_line();
    return true;
  }
  if (!lexer.accept(':')) return statement.broken("':' after the message's name");
  const std::optional<std::uint64_t> length = lexer.whole_number();
  if (!length || *length > std::numeric_limits<std::uint16_t>::max())
    return statement.broken("the length in bytes, at most 65535");
  DbcMessage message;
  message.line = statement.line;
  message.short_name = message.name = name;
  message.length = static_cast<std::uint16_t>(*length);
  set_identifier(statement, static_cast<std::uint32_t>(*id), message);
  if (!lexer.at_line_start() && !lexer.at_keyword()) message.sender = lexer.word();
  if (message.sender == "Vector__XXX") message.sender.clear();  // Vector's word for "no node"
  statement.draft.add_message(*id, std::move(message));
  return true;
}

bool read_signal(DbcStatement& statement) {
  DbcDraft& draft = statement.draft;
  if (draft.is_dropping()) {
    statement.lexer.skip_line();
    return true;
  }
  if (!draft.has_message_begun()) return statement.refused("it comes before any BO_");
  const std::string_view name = read_name(statement, "the signal's name");
  if (name.empty()) return false;
  DbcSignal signal;
  signal.name = signal.short_name = name;
  MultiplexMark mark;
  if (!read_signal_body(statement, signal, mark)) {
    draft.drop_signal(name);
    return false;
  }
  const DbcMessage& message = draft.dbc().messages[*draft.current_message()];
  if (!ends_inside(signal, message.length))
    statement.warn("SG_ '" + signal.short_name + "' ends after the " + std::to_string(message.length) +
                   " bytes of '" + message.short_name + "'");
  draft.add_signal(std::move(signal), mark, statement.line);
  return true;
}

}  // namespace outrider
