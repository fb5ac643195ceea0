// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/dbc_statements.h"

namespace outrider {

bool DbcStatement::broken(std::string_view expected) const {
  const int where =
      lexer.at_line_start() ? line : lexer.line();  // what is missing at a line's end is missing there
  draft.warn(where, std::string(keyword) + " skipped: expected " + std::string(expected) + ", found " +
                        lexer.next_piece());
  return false;
}

bool DbcStatement::refused(std::string_view why) const {
  draft.warn(line, std::string(keyword) + " skipped: " + std::string(why));
  return false;
}

std::string_view read_name(DbcStatement& statement, std::string_view what) {
  constexpr std::size_t kLongest = 255;
  if (statement.lexer.peek_word().size() > kLongest) {
    statement.refused(std::string(what) + " is longer than 255 bytes");
    return {};
  }
  const std::string_view name = statement.lexer.name();
  if (name.empty()) statement.broken(what);
  return name;
}

std::optional<std::string> read_long_text(DbcStatement& statement) {
  bool is_repaired = false;
  std::optional<std::string> text = statement.lexer.long_quoted(&is_repaired);
  if (!text) statement.broken("text in quotes");
  if (is_repaired)
    statement.warn(std::string(statement.keyword) +
                   ": a quote in the text is not escaped or the closing one is missing");
  return text;
}

}  // namespace outrider
