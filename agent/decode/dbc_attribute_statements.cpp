// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/dbc_statements.h"

namespace outrider {

namespace {

using Scope = DbcAttributes::Scope;

/// A number, an enumerator or text, in quotes or not.
std::optional<std::string> read_value(DbcStatement& statement) {
  if (statement.lexer.at('"')) return read_long_text(statement);
  const std::string_view word = statement.lexer.name();
  if (!word.empty()) return std::string(word);
  statement.broken("a value");
  return std::nullopt;
}

/// BU_, BO_, SG_ or EV_ before what it is about; empty when it is about the network.
std::string_view read_object_kind(DbcLexer& lexer) {
  if (lexer.at_line_start()) return {};
  const std::string_view word = lexer.peek_word();
  if (word != "BU_" && word != "BO_" && word != "SG_" && word != "EV_") return {};
  return lexer.word();
}

std::optional<std::string> read_attribute_name(DbcStatement& statement) {
  std::optional<std::string> name = statement.lexer.quoted();
  if (!name) statement.broken("the attribute's name in quotes");
  return name;
}

/// Sets `name` for each of the signals that follow, or for the message.
bool read_object_value(DbcStatement& statement, const std::string& name, bool is_signal) {
  DbcLexer& lexer = statement.lexer;
  const std::optional<std::uint64_t> id = lexer.whole_number();
  if (!id) return statement.broken("a message id");
  const std::string_view signal = is_signal ? read_name(statement, "a signal's name") : std::string_view();
  if (is_signal && signal.empty()) return false;
  const std::optional<std::string> value = read_value(statement);
  if (!value) return false;
  if (!DbcAttributes::is_meaningful(name)) return true;  // nothing depends on it, nor on what it is about
  const auto message = statement.draft.find_message(*id, statement.line, statement.keyword);
  if (!message) return true;
  if (!is_signal) {
    statement.attributes.set(name, {Scope::kMessage, *message, 0}, *value);
    return true;
  }
  for (const std::size_t i :
       statement.draft.find_signals(*message, signal, statement.line, statement.keyword))
    statement.attributes.set(name, {Scope::kSignal, *message, i}, *value);
  return true;
}

}  // namespace

bool read_attribute_type(DbcStatement& statement) {
  DbcLexer& lexer = statement.lexer;
  const std::string_view kind = read_object_kind(lexer);
  const std::optional<std::string> name = read_attribute_name(statement);
  if (!name) return false;
  std::vector<std::string> choices;
  if (lexer.peek_word() == "ENUM") {
    lexer.word();
    while (lexer.at('"')) {
      std::optional<std::string> choice = lexer.quoted();
      if (!choice) return statement.broken("an enumerator with a closing quote on the same line");
      choices.push_back(std::move(*choice));
      lexer.accept(',');
    }
    if (choices.empty()) return statement.broken("the enumerators in quotes");
  } else {
    lexer.skip_to_semicolon();  // INT, HEX, FLOAT with their limits, or STRING: values tell by themselves
  }
  const bool is_ours = kind.empty() || kind == "BO_" || kind == "SG_";
  const Scope scope = kind == "BO_" ? Scope::kMessage : kind == "SG_" ? Scope::kSignal : Scope::kNetwork;
  if (is_ours) statement.attributes.define(*name, scope, std::move(choices));
  return true;
}

bool read_attribute_default(DbcStatement& statement) {
  const std::optional<std::string> name = read_attribute_name(statement);
  if (!name) return false;
  std::optional<std::string> value = read_value(statement);
  if (!value) return false;
  statement.attributes.set_default(*name, std::move(*value));
  return true;
}

bool read_attribute(DbcStatement& statement) {
  const std::optional<std::string> name = read_attribute_name(statement);
  if (!name) return false;
  const std::string_view kind = read_object_kind(statement.lexer);
  if (kind == "BO_" || kind == "SG_") return read_object_value(statement, *name, kind == "SG_");
  if (!kind.empty() && read_name(statement, "a name").empty()) return false;
  std::optional<std::string> value = read_value(statement);
  if (!value) return false;
  if (kind.empty()) statement.attributes.set(*name, {}, std::move(*value));
  return true;
}

}  // namespace outrider
