// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/decode/dbc.h"

namespace outrider {

/// A number as written ("0.1", "-4.0E+1"); nullopt when `text` is anything else or does not fit a double.
std::optional<Decimal> parse_decimal(std::string_view text);

/// True for the words that open a DBC statement ("BO_", "VAL_", ...).
bool is_dbc_keyword(std::string_view word);

/// Walks through DBC text piece by piece. Every question skips white space first.
///
/// Line breaks mean little in DBC, but real files lack semicolons and quotes; a keyword that is first on its line is
/// the landmark by which reading finds its way again. Each byte is looked at a bounded number of times.
class DbcLexer {
 public:
  /// `text` has '\n' line ends and outlives the lexer.
  explicit DbcLexer(std::string_view text) : text_(text) {}

  bool at_end();
  /// The next word is a keyword; `at_statement` also wants it first on its line.
  bool at_keyword();
  bool at_statement();
  /// The next thing is on a line of which nothing has been read yet.
  bool at_line_start();
  /// The next word has its line to itself.
  bool is_alone_on_line();

  /// Line of the next piece, from 1.
  int line();
  /// What comes next, for messages: a word or a symbol in quotes, or "the end of the file".
  std::string next_piece();

  bool accept(char symbol);
  bool at(char symbol);
  /// The next character is a digit.
  bool at_number();
  /// Letters, digits and what else is neither white space nor punctuation; empty when there is none.
  std::string_view peek_word();
  std::string_view word();
  /// A word, but never a keyword that opens the next line: that is the next statement, and a name is missing here.
  std::string_view name();
  /// Digits, as far as they go. nullopt and nothing consumed when there are none or they exceed 64 bits.
  std::optional<std::uint64_t> whole_number();
  std::optional<Decimal> decimal();

  /// Text in quotes on one line.
  std::optional<std::string> quoted();
  /// Text in quotes at the end of a statement; it may span lines and hold ';'. `is_repaired`: quotes inside were not
  /// escaped, or the closing one is missing and the text was ended where the next statement begins.
  std::optional<std::string> long_quoted(bool* is_repaired);

  /// To the ';' of this statement, or to the next statement when there is none.
  void skip_to_semicolon();
  /// To the next keyword that is first on its line.
  void skip_to_statement();
  void skip_line();

 private:
  /// Where a text that may span lines ends: at its closing quote, or where it must have been.
  struct TextEnd {
    std::size_t position;
    bool is_closed;
    bool is_repaired;
  };

  void skip_space();
  /// Moves to `position`, counting lines.
  void move_to(std::size_t position);
  std::string_view word_at(std::size_t position) const;
  bool statement_begins_at(std::size_t line_start) const;
  bool is_escape_at(std::size_t position) const;
  /// Behind a closing quote at `position` the statement is over.
  bool ends_statement(std::size_t position) const;
  TextEnd find_text_end(std::size_t begin) const;
  std::string take_quoted(std::size_t closing_quote);

  std::string_view text_;
  std::size_t position_ = 0;
  int line_ = 1;
  bool is_line_fresh_ = true;  // nothing but white space between the line's start and position_
};

}  // namespace outrider
