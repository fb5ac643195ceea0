// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/dbc.h"

#include <fstream>

#include "agent/decode/dbc_multiplex.h"
#include "agent/decode/dbc_statements.h"
#include "agent/decode/text_encoding.h"

namespace outrider {

namespace {

constexpr std::size_t kLargestFile = 64U << 20U;  // bytes; the largest public DBC files have about 5 MB

/// How a statement ends, which is also how reading goes on after a broken one.
enum class Ending { kLine, kSemicolon };

struct StatementKind {
  std::string_view keyword;
  bool (*read)(DbcStatement&);
  Ending ending;
};

bool read_version(DbcStatement& statement) {
  std::optional<std::string> version = statement.lexer.quoted();
  if (!version) return statement.broken("the version in quotes");
  statement.draft.dbc().version = std::move(*version);
  return true;
}

bool skip_rest_of_line(DbcStatement& statement) {
  statement.lexer.skip_line();
  return true;
}

/// NS_ lists keywords and BU_ names: on the same line, and on following ones that hold nothing else.
bool skip_list(DbcStatement& statement) {
  statement.lexer.skip_line();
  while (statement.lexer.is_alone_on_line()) statement.lexer.word();
  return true;
}

bool skip_to_its_end(DbcStatement& statement) {
  statement.lexer.skip_to_semicolon();
  return true;
}

constexpr StatementKind kKinds[] = {
    {"SG_", read_signal, Ending::kLine},
    {"BO_", read_message, Ending::kLine},
    {"VAL_", read_value_names, Ending::kSemicolon},
    {"CM_", read_comment, Ending::kSemicolon},
    {"BA_", read_attribute, Ending::kSemicolon},
    {"SG_MUL_VAL_", read_selector_ranges, Ending::kSemicolon},
    {"SIG_VALTYPE_", read_float_type, Ending::kSemicolon},
    {"BA_DEF_", read_attribute_type, Ending::kSemicolon},
    {"BA_DEF_DEF_", read_attribute_default, Ending::kSemicolon},
    {"VERSION", read_version, Ending::kLine},
    {"NS_", skip_list, Ending::kLine},
    {"BU_", skip_list, Ending::kLine},
    {"BS_", skip_rest_of_line, Ending::kLine},
};
/// Node relations, signal groups, environment variables and the rest: nothing that frames depend on.
constexpr StatementKind kOtherKind = {"", skip_to_its_end, Ending::kSemicolon};

const StatementKind& kind_of(std::string_view keyword) {
  for (const StatementKind& kind : kKinds)
    if (kind.keyword == keyword) return kind;
  return kOtherKind;
}

/// Goes through a file statement by statement and finds its way again after broken ones.
class DbcReader {
 public:
  DbcReader(std::string_view text, DbcDraft& draft) : lexer_(text), draft_(draft) {}

  /// The number of statements that were recognized.
  std::size_t read_all() {
    std::size_t count = 0;
    while (!lexer_.at_end()) {
      if (lexer_.accept(';')) continue;
      if (lexer_.at_keyword()) {
        read_one();
        ++count;
      } else {
        draft_.warn(lexer_.line(), "skipped: " + lexer_.next_piece() + " begins no DBC statement");
        lexer_.skip_line();
        lexer_.skip_to_statement();
      }
    }
    return count;
  }

  const DbcAttributes& attributes() const { return attributes_; }

 private:
  void read_one() {
    const int line = lexer_.line();
    const std::string_view keyword = lexer_.word();
    const StatementKind& kind = kind_of(keyword);
    DbcStatement statement{lexer_, draft_, attributes_, keyword, line};
    const bool is_whole = kind.read(statement);
    if (kind.ending == Ending::kSemicolon)
      end_at_semicolon(statement, is_whole);
    else if (is_whole)
      end_at_line(statement);
    else
      lexer_.skip_to_statement();
  }

  void end_at_semicolon(const DbcStatement& statement, bool is_whole) {
    if (is_whole && !lexer_.at(';')) {
      const bool is_next_reached = lexer_.at_end() || lexer_.at_statement();
      statement.warn(std::string(statement.keyword) +
                     (is_next_reached ? " lacks the ';' at its end"
                                      : ": " + lexer_.next_piece() + " stands where ';' is due"));
    }
    lexer_.skip_to_semicolon();
    lexer_.accept(';');
  }

  void end_at_line(const DbcStatement& statement) {
    if (lexer_.accept(';') || lexer_.at_end() || lexer_.at_line_start() || lexer_.at_keyword()) return;
    statement.warn(std::string(statement.keyword) + ": ignored from " + lexer_.next_piece() +
                   " to the end of the line");
    lexer_.skip_line();
  }

  DbcLexer lexer_;
  DbcDraft& draft_;
  DbcAttributes attributes_;
};

bool is_utf16(std::string_view text) { return text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"); }

}  // namespace

Result<Dbc> parse_dbc(std::string_view text, std::string name, bool strict) {
  if (text.size() > kLargestFile) return reject(name + ": is larger than 64 MiB, the limit for DBC files");
  if (is_utf16(text)) return reject(name + ": is UTF-16; save it as UTF-8 or Windows-1252");
  const std::string normalized = normalized_text(text);
  DbcDraft draft(std::move(name));
  DbcReader reader(normalized, draft);
  if (reader.read_all() == 0)
    return reject(draft.dbc().name + ": nothing in it is a DBC statement such as 'BO_ 291 Name: 8 Node'");
  apply_attributes(reader.attributes(), draft);
  resolve_multiplexing(draft);
  Dbc dbc = draft.finish();
  if (strict && !dbc.warnings.empty()) {
    const DbcWarning& first = dbc.warnings.front();
    return reject(dbc.name + ":" + std::to_string(first.line) + ": " + first.text);
  }
  return dbc;
}

Result<Dbc> load_dbc(const std::string& path, bool strict) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return reject(path + ": cannot be opened; a readable DBC file is needed");
  std::string text;
  constexpr std::size_t kPiece = 64U << 10U;
  while (file && text.size() <= kLargestFile) {
    const std::size_t before = text.size();
    text.resize(before + kPiece);
    file.read(text.data() + before, static_cast<std::streamsize>(kPiece));
    text.resize(before + static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad() || (!file.eof() && file.fail())) return reject(path + ": cannot be read; is it a file?");
  const std::size_t slash = path.find_last_of('/');
  return parse_dbc(text, slash == std::string::npos ? path : path.substr(slash + 1), strict);
}

}  // namespace outrider
