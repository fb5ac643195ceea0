// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/dbc_lexer.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace outrider {

namespace {

constexpr auto kNone = std::string_view::npos;

// Sorted, for binary_search. Source: the NS_ list that Vector's editor writes, and the statements themselves.
constexpr std::array<std::string_view, 31> kKeywords = {"BA_",          "BA_DEF_",
                                                        "BA_DEF_DEF_",  "BA_DEF_DEF_REL_",
                                                        "BA_DEF_REL_",  "BA_DEF_SGTYPE_",
                                                        "BA_REL_",      "BA_SGTYPE_",
                                                        "BO_",          "BO_TX_BU_",
                                                        "BS_",          "BU_",
                                                        "BU_BO_REL_",   "BU_EV_REL_",
                                                        "BU_SG_REL_",   "CAT_",
                                                        "CAT_DEF_",     "CM_",
                                                        "ENVVAR_DATA_", "EV_",
                                                        "EV_DATA_",     "NS_",
                                                        "NS_DESC_",     "SGTYPE_",
                                                        "SG_",          "SG_MUL_VAL_",
                                                        "SIG_GROUP_",   "SIG_VALTYPE_",
                                                        "VAL_",         "VAL_TABLE_",
                                                        "VERSION"};

// Control characters separate too: NUL padding and the 0x1A that DOS editors left at the end.
bool is_space(char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7F'; }
bool is_punctuation(char c) { return std::string_view(":;,|@()[]\"").find(c) != kNone; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Position of the quote that closes the text which begins at `begin`, on the same line.
std::size_t closing_quote(std::string_view text, std::size_t begin, bool has_escapes) {
  for (std::size_t i = begin; i < text.size() && text[i] != '\n'; ++i) {
    if (text[i] == '"') return i;
    if (has_escapes && text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '"') ++i;
  }
  return kNone;
}

std::string without_escapes(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '"') continue;
    out.push_back(text[i]);
  }
  return out;
}

/// How far a decimal goes from `begin`.
std::size_t decimal_end(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  const auto skip_sign = [&] {
    if (end < text.size() && (text[end] == '+' || text[end] == '-')) ++end;
  };
  skip_sign();
  while (end < text.size() && (is_digit(text[end]) || text[end] == '.')) ++end;
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    ++end;
    skip_sign();
    while (end < text.size() && is_digit(text[end])) ++end;
  }
  return end;
}

/// The digits of a written number and where its point is: value = digits * 10^-decimals.
struct WrittenNumber {
  std::string digits;  // significant ones, without zeros on either end
  std::int64_t decimals = 0;
  bool is_negative = false;
};

/// `text` is known to be a number that from_chars understood.
WrittenNumber written_number(std::string_view text) {
  WrittenNumber number;
  number.is_negative = text.front() == '-';
  const std::size_t exponent_at = text.find_first_of("eE");
  bool is_fraction = false;
  for (const char c : text.substr(0, exponent_at)) {
    if (c == '.') is_fraction = true;
    if (!is_digit(c)) continue;
    if (!number.digits.empty() || c != '0') number.digits.push_back(c);
    if (is_fraction) ++number.decimals;
  }
  if (exponent_at != kNone && !number.digits.empty()) {
    std::string_view written = text.substr(exponent_at + 1);
    if (written.starts_with('+')) written.remove_prefix(1);
    std::int64_t exponent = 0;
    std::from_chars(written.data(), written.data() + written.size(), exponent);
    number.decimals -= exponent;  // far from overflow: the value fits a double and the text is below 64 MiB
  }
  while (!number.digits.empty() && number.digits.back() == '0') {
    number.digits.pop_back();
    --number.decimals;
  }
  return number;
}

/// Fills in digits/decimals when the number fits them.
void set_exact(Decimal& decimal, const WrittenNumber& number) {
  constexpr std::int64_t kMostDecimals = 15;
  constexpr std::size_t kMostDigits = 19;  // of an int64
  decimal.is_exact = true;
  if (number.digits.empty()) return;
  const std::int64_t zeros = number.decimals < 0 ? -number.decimals : 0;
  decimal.is_exact = false;
  if (number.decimals > kMostDecimals || number.digits.size() > kMostDigits ||
      zeros > static_cast<std::int64_t>(kMostDigits - number.digits.size()))
    return;
  std::string digits = (number.is_negative ? "-" : "") + number.digits;
  digits.append(static_cast<std::size_t>(zeros), '0');
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), decimal.digits);
  decimal.is_exact = error == std::errc();
  decimal.decimals = decimal.is_exact && number.decimals > 0 ? static_cast<int>(number.decimals) : 0;
  if (!decimal.is_exact) decimal.digits = 0;
}

}  // namespace

std::optional<Decimal> parse_decimal(std::string_view text) {
  const std::string_view unsigned_text = text.starts_with('+') ? text.substr(1) : text;
  if (unsigned_text.empty() || decimal_end(text, 0) != text.size() || unsigned_text.starts_with('+'))
    return std::nullopt;
  Decimal decimal;
  const char* end = unsigned_text.data() + unsigned_text.size();
  const auto [parsed_to, error] = std::from_chars(unsigned_text.data(), end, decimal.value);
  if (error != std::errc() || parsed_to != end) return std::nullopt;
  set_exact(decimal, written_number(text));
  return decimal;
}

bool is_dbc_keyword(std::string_view word) {
  return std::binary_search(kKeywords.begin(), kKeywords.end(), word);
}

void DbcLexer::move_to(std::size_t position) {
  for (; position_ < position; ++position_) {
    const char c = text_[position_];
    if (c == '\n') {
      ++line_;
      is_line_fresh_ = true;
    } else if (!is_space(c)) {
      is_line_fresh_ = false;
    }
  }
}

void DbcLexer::skip_space() {
  std::size_t end = position_;
  while (end < text_.size() && is_space(text_[end])) ++end;
  move_to(end);
}

std::string_view DbcLexer::word_at(std::size_t position) const {
  std::size_t end = position;
  while (end < text_.size() && !is_space(text_[end]) && !is_punctuation(text_[end])) ++end;
  return text_.substr(position, end - position);
}

bool DbcLexer::at_end() {
  skip_space();
  return position_ == text_.size();
}

bool DbcLexer::at_line_start() {
  skip_space();
  return is_line_fresh_;
}

bool DbcLexer::at_keyword() { return is_dbc_keyword(peek_word()); }

bool DbcLexer::at_statement() { return at_line_start() && at_keyword(); }

bool DbcLexer::is_alone_on_line() {
  if (!at_line_start()) return false;
  std::size_t end = position_ + peek_word().size();
  if (end == position_) return false;
  while (end < text_.size() && text_[end] != '\n' && is_space(text_[end])) ++end;
  return end == text_.size() || text_[end] == '\n';
}

int DbcLexer::line() {
  skip_space();
  return line_;
}

std::string DbcLexer::next_piece() {
  constexpr std::size_t kLongest = 40;
  if (at_end()) return "the end of the file";
  const std::string_view word = peek_word();
  const std::string_view piece = word.empty() ? text_.substr(position_, 1) : word;
  if (piece.size() <= kLongest) return "'" + std::string(piece) + "'";
  std::size_t cut = kLongest;
  while ((static_cast<unsigned char>(piece[cut]) & 0xC0U) == 0x80) --cut;  // not inside a UTF-8 character
  return "'" + std::string(piece.substr(0, cut)) + "...'";
}

bool DbcLexer::at(char symbol) {
  skip_space();
  return position_ < text_.size() && text_[position_] == symbol;
}

bool DbcLexer::at_number() {
  skip_space();
  return position_ < text_.size() && is_digit(text_[position_]);
}

bool DbcLexer::accept(char symbol) {
  if (!at(symbol)) return false;
  move_to(position_ + 1);
  return true;
}

std::string_view DbcLexer::peek_word() {
  skip_space();
  return word_at(position_);
}

std::string_view DbcLexer::word() {
  const std::string_view word = peek_word();
  move_to(position_ + word.size());
  return word;
}

std::string_view DbcLexer::name() { return at_statement() ? std::string_view() : word(); }

std::optional<std::uint64_t> DbcLexer::whole_number() {
  skip_space();
  std::uint64_t value = 0;
  const char* begin = text_.data() + position_;
  const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
  if (error != std::errc()) return std::nullopt;
  move_to(position_ + static_cast<std::size_t>(end - begin));
  return value;
}

std::optional<Decimal> DbcLexer::decimal() {
  skip_space();
  const std::size_t end = decimal_end(text_, position_);
  std::optional<Decimal> decimal = parse_decimal(text_.substr(position_, end - position_));
  if (decimal) move_to(end);
  return decimal;
}

std::string DbcLexer::take_quoted(std::size_t closing_quote) {
  std::string text = without_escapes(text_.substr(position_ + 1, closing_quote - position_ - 1));
  move_to(closing_quote + 1);
  return text;
}

std::optional<std::string> DbcLexer::quoted() {
  if (!at('"')) return std::nullopt;
  std::size_t closing = closing_quote(text_, position_ + 1, true);
  // "\" is a text with one backslash when nothing else can close it.
  if (closing == kNone) closing = closing_quote(text_, position_ + 1, false);
  if (closing == kNone) return std::nullopt;
  return take_quoted(closing);
}

bool DbcLexer::statement_begins_at(std::size_t line_start) const {
  std::size_t begin = line_start;
  while (begin < text_.size() && text_[begin] != '\n' && is_space(text_[begin])) ++begin;
  return is_dbc_keyword(word_at(begin));
}

bool DbcLexer::is_escape_at(std::size_t position) const {
  if (text_[position] != '\\' || position + 1 == text_.size()) return false;
  return text_[position + 1] == '"' || text_[position + 1] == '\\';
}

bool DbcLexer::ends_statement(std::size_t position) const {
  bool has_line_end = false;
  while (position < text_.size() && is_space(text_[position])) has_line_end |= text_[position++] == '\n';
  if (position == text_.size() || text_[position] == ';') return true;
  return has_line_end && is_dbc_keyword(word_at(position));
}

// The first quote that a ';' or a new statement follows closes the text. Another quote is either one that somebody
// forgot to escape or, when lines that look like statements lie between, the opening quote of a later statement's
// text: then our closing quote is missing and those lines are statements.
DbcLexer::TextEnd DbcLexer::find_text_end(std::size_t begin) const {
  bool has_inner_quote = false;
  std::size_t next_statement = kNone;  // the line end before the first line that looks like a statement
  for (std::size_t i = begin; i < text_.size(); ++i) {
    if (is_escape_at(i)) {
      ++i;
    } else if (text_[i] == '\n' && next_statement == kNone) {
      if (statement_begins_at(i + 1)) next_statement = i;
    } else if (text_[i] == '"') {
      if (ends_statement(i + 1)) return {i, true, has_inner_quote};
      if (next_statement != kNone) break;
      has_inner_quote = true;
    }
  }
  const std::size_t end = next_statement == kNone ? text_.find('\n', begin) : next_statement;
  return {std::min(end, text_.size()), false, true};
}

std::optional<std::string> DbcLexer::long_quoted(bool* is_repaired) {
  if (!at('"')) return std::nullopt;
  const TextEnd end = find_text_end(position_ + 1);
  *is_repaired = end.is_repaired;
  if (end.is_closed) return take_quoted(end.position);
  std::string text = without_escapes(text_.substr(position_ + 1, end.position - position_ - 1));
  while (!text.empty() && (is_space(text.back()) || text.back() == ';')) text.pop_back();
  move_to(end.position);
  return text;
}

void DbcLexer::skip_line() { move_to(std::min(text_.find('\n', position_), text_.size())); }

void DbcLexer::skip_to_statement() {
  while (!at_end() && !at_statement()) skip_line();
}

void DbcLexer::skip_to_semicolon() {
  while (!at_end() && !at_statement() && !at(';')) {
    bool is_repaired = false;
    if (at('"')) {
      if (!quoted()) static_cast<void>(long_quoted(&is_repaired));
    } else if (word().empty()) {
      move_to(position_ + 1);
    }
  }
}

}  // namespace outrider
