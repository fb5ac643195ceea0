// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "agent/decode/dbc_statements.h"

namespace outrider {

namespace {

/// "<id> <signal>": every signal that is meant; `is_whole` false when the two are not there.
struct SignalReference {
  bool is_whole = false;
  std::size_t message = 0;
  std::vector<std::size_t> signals;  ///< Empty: unknown or skipped, which was noted where it had to be.
};

SignalReference read_signal_reference(DbcStatement& statement) {
  const std::optional<std::uint64_t> id = statement.lexer.whole_number();
  if (!id) {
    statement.broken("a message id");
    return {};
  }
  const std::string_view name = read_name(statement, "a signal's name");
  if (name.empty()) return {};
  SignalReference reference{true, 0, {}};
  if (const auto message = statement.draft.find_message(*id, statement.line, statement.keyword)) {
    reference.message = *message;
    reference.signals = statement.draft.find_signals(*message, name, statement.line, statement.keyword);
  }
  return reference;
}

/// Gives what a statement says, `bytes` of it, to each of the signals that share the name.
template <class Give>
bool for_each_namesake(DbcStatement& statement, const SignalReference& reference, std::size_t bytes,
                       const Give& give) {
  for (std::size_t i = 0; i < reference.signals.size(); ++i) {
    if (i > 0 && !statement.draft.may_copy(bytes))
      return statement.refused("there is too much to say about signals that share a name");
    give(statement.draft.dbc().messages[reference.message].signals[reference.signals[i]]);
  }
  return true;
}

void note_import(DbcStatement& statement, std::string_view comment) {
  constexpr std::string_view kImport = "IMPORT ";
  if (comment.starts_with(kImport))
    statement.warn("the import of '" + std::string(comment.substr(kImport.size())) +
                   "' is not followed: list that file beside this one");
}

bool read_signal_comment(DbcStatement& statement) {
  const SignalReference reference = read_signal_reference(statement);
  if (!reference.is_whole) return false;
  const std::optional<std::string> text = read_long_text(statement);
  if (!text) return false;
  return for_each_namesake(statement, reference, text->size(),
                           [&](DbcSignal& signal) { signal.comment = *text; });
}

bool read_message_comment(DbcStatement& statement) {
  const std::optional<std::uint64_t> id = statement.lexer.whole_number();
  if (!id) return statement.broken("a message id");
  std::optional<std::string> text = read_long_text(statement);
  if (!text) return false;
  if (const auto message = statement.draft.find_message(*id, statement.line, statement.keyword))
    statement.draft.dbc().messages[*message].comment = std::move(*text);
  return true;
}

/// Raw values are written as integers; the unsigned ones above the largest int64 share its bits.
std::optional<std::int64_t> raw_value(std::string_view word) {
  const std::optional<Decimal> number = parse_decimal(word);
  if (!number) return std::nullopt;
  if (number->is_exact) return number->decimals == 0 ? std::optional(number->digits) : std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

}  // namespace

bool read_comment(DbcStatement& statement) {
  DbcLexer& lexer = statement.lexer;
  if (lexer.at('"')) {
    const std::optional<std::string> text = read_long_text(statement);
    if (text) note_import(statement, *text);
    return text.has_value();
  }
  const std::string_view target = lexer.at_line_start() ? std::string_view() : lexer.peek_word();
  const bool is_known = target == "SG_" || target == "BO_" || target == "BU_" || target == "EV_";
  if (!is_known) return statement.broken("text in quotes or one of SG_ BO_ BU_ EV_");
  lexer.word();
  if (target == "SG_") return read_signal_comment(statement);
  if (target == "BO_") return read_message_comment(statement);
  return !read_name(statement, "a name").empty() && read_long_text(statement).has_value();
}

bool read_value_names(DbcStatement& statement) {
  DbcLexer& lexer = statement.lexer;
  if (!lexer.at_number()) {  // "VAL_ EnvVar ...": names the values of an environment variable
    lexer.skip_to_semicolon();
    return true;
  }
  const SignalReference reference = read_signal_reference(statement);
  if (!reference.is_whole) return false;
  std::map<std::int64_t, std::string> names;
  bool is_whole = true;
  while (is_whole && !lexer.at(';') && !lexer.at_statement() && !lexer.at_end()) {
    const std::optional<std::int64_t> value = raw_value(lexer.word());
    std::optional<std::string> name = value ? lexer.quoted() : std::nullopt;
    is_whole = name.has_value();
    if (is_whole) names.insert_or_assign(*value, std::move(*name));
  }
  constexpr std::size_t kBytesPerName = 128;  // a map node and its text, roughly
  if (!for_each_namesake(statement, reference, names.size() * kBytesPerName,
                         [&](DbcSignal& signal) { signal.value_names = names; }))
    return false;
  return is_whole || statement.broken("a whole number and its name in quotes (those before it are kept)");
}

bool read_float_type(DbcStatement& statement) {
  DbcLexer& lexer = statement.lexer;
  const SignalReference reference = read_signal_reference(statement);
  if (!reference.is_whole) return false;
  if (!lexer.accept(':')) statement.warn("SIG_VALTYPE_ lacks the ':' before the type");
  const std::optional<std::uint64_t> type = lexer.whole_number();
  if (!type || *type > 3) return statement.broken("0 (integer), 1 (32-bit float) or 2 (64-bit float)");
  for (const std::size_t i : reference.signals) {
    DbcSignal& signal = statement.draft.dbc().messages[reference.message].signals[i];
    const std::uint16_t width = *type == 1 ? 32 : 64;
    if (*type != 1 && *type != 2) continue;
    if (signal.width != width)
      return statement.refused("'" + signal.short_name + "' has " + std::to_string(signal.width) +
                               " bits, a float of type " + std::to_string(*type) + " has " +
                               std::to_string(width));
    signal.type = *type == 1 ? ValueType::kFloat32 : ValueType::kFloat64;
  }
  return true;
}

bool read_selector_ranges(DbcStatement& statement) {
  DbcLexer& lexer = statement.lexer;
  const std::optional<std::uint64_t> id = lexer.whole_number();
  if (!id) return statement.broken("a message id");
  SelectorStatement ranges;
  ranges.line = statement.line;
  ranges.signal = read_name(statement, "a signal's name");
  if (ranges.signal.empty()) return false;
  ranges.selector = read_name(statement, "the selector's name");
  if (ranges.selector.empty()) return false;
  do {
    const std::optional<std::uint64_t> first = lexer.whole_number();
    const bool has_dash = first && lexer.accept('-');
    const std::optional<std::uint64_t> last = has_dash ? lexer.whole_number() : std::nullopt;
    if (!last) return statement.broken("a range of selector values like 1-3");
    if (*first > *last)
      return statement.refused("the range " + std::to_string(*first) + "-" + std::to_string(*last) +
                               " is backwards");
    ranges.ranges.push_back({*first, *last});
  } while (lexer.accept(',') || lexer.at_number());
  if (const auto message = statement.draft.find_message(*id, statement.line, statement.keyword))
    statement.draft.multiplexing(*message).statements.push_back(std::move(ranges));
  return true;
}

}  // namespace outrider
