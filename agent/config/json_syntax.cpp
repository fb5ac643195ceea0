// SPDX-License-Identifier: Apache-2.0
#include "agent/config/json_syntax.h"

#include <algorithm>
#include <array>

#include "agent/base/utf8.h"
#include "agent/config/problems.h"

namespace outrider {
namespace {

constexpr std::size_t kNowhere = std::string_view::npos;

bool contains(std::string_view text, std::string_view part) { return text.find(part) != kNowhere; }

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.';
}

std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

/// End of the comment that begins at `at`; nowhere when none does, or when it is never closed.
std::size_t end_of_comment(std::string_view text, std::size_t at) {
  const std::string_view two = text.substr(at, 2);
  if (two == "//") return std::min(text.find('\n', at), text.size());
  const std::size_t end = two == "/*" ? text.find("*/", at + 2) : kNowhere;
  return end == kNowhere ? kNowhere : end + 2;
}

std::size_t end_of_token(std::string_view text, std::size_t at) {
  if (text[at] == '"') return end_of_string(text, at);
  if (text.substr(at, 2) == "/*") return text.size();
  std::size_t end = at + 1;
  const bool is_word = is_word_character(text[at]);
  while (end < text.size() && (is_word ? is_word_character(text[end]) : is_utf8_continuation(text[end])))
    ++end;
  return end;
}

struct Token {
  std::size_t start = 0;
  std::string_view text;
};

/// The token that the reader gave up in, and the one before it. Only as careful as messages need.
struct LastTokens {
  Token before;
  Token last;
};

LastTokens last_tokens(std::string_view text, std::size_t consumed) {
  LastTokens tokens;
  for (std::size_t at = 0; at < std::min(consumed, text.size());) {
    const std::size_t comment = end_of_comment(text, at);
    if (comment != kNowhere) {
      at = comment;
    } else if (contains(" \t\r\n", text.substr(at, 1))) {
      ++at;
    } else {
      const std::size_t end = end_of_token(text, at);
      tokens.before = tokens.last;
      tokens.last = {at, text.substr(at, end - at)};
      at = end;
    }
  }
  return tokens;
}

struct Hint {
  std::string_view reason;
  std::string_view text;
};

/// What the reader says inside a token, by a part of its words (nlohmann/json 3.10 to 3.12).
constexpr std::array kTokenHints{
    Hint{"ill-formed UTF-8", "this is not UTF-8; save the file as UTF-8"},
    Hint{"missing closing quote", "a text is not closed; it ends with a double quote on the same line"},
    Hint{"U+000A", "a text is not closed; it ends with a double quote on the same line"},
    Hint{"U+000D", "a text is not closed; it ends with a double quote on the same line"},
    Hint{"U+0009", "a text holds a tab; write it as \\t"},
    Hint{"control character", "a text holds a control character; write it as \\u and four hex digits"},
    Hint{"hex digits", "\\u in a text needs four hex digits; for a backslash write two"},
    Hint{"surrogate", "\\u in a text is half of a character; write the character itself"},
    Hint{"backslash",
         "a backslash in a text must be followed by one of \"\\/bfnrtu; for a backslash write two"},
    Hint{"missing closing '*/'", "a comment is not closed; it ends with */"},
    Hint{"after '/'", "a single '/' means nothing here; comments begin with // or /*"},
    Hint{"invalid number", "a number is not complete; write it like 12, -0.5 or 1e3"},
    Hint{"number overflow", "the number is too large; the largest is about 1.8e308"},
    Hint{"invalid BOM", "the file begins with a broken byte order mark; save it as UTF-8"}};

std::string bare_word_advice(std::string_view word) {
  std::string text = "read " + in_quotes(word) + " without quotes; ";
  if (word == "True" || word == "False" || word == "TRUE" || word == "FALSE")
    return text + "write true or false";
  return text + "keys and texts need double quotes, and the only bare words are true, false and null";
}

std::string too_early_advice(const SyntaxError& error) {
  if (error.open_line == 0) return "there is nothing to read; a configuration is an object: { … }";
  return std::string("the text ends too early; the ") + (error.is_open_object ? "object" : "list") +
         " that begins in line " + std::to_string(error.open_line) + " needs its " +
         (error.is_open_object ? "'}'" : "']'");
}

/// What should stand at a place where the reader found a good token of the wrong kind.
std::string unexpected_advice(std::string_view token, const SyntaxError& error) {
  const bool is_text = token.substr(0, 1) == "\"";  // brings its quotes along
  const std::string read = "read " + (is_text ? std::string(token) : in_quotes(token)) + "; ";
  const bool opens_value = !contains("}]:,", token.substr(0, 1));
  if (contains(error.reason, "expected end of input"))
    return read + "nothing may follow the end of the configuration";
  if (contains(error.reason, "object separator")) return read + "a ':' is missing after the key before it";
  if (contains(error.reason, "object key")) return read + "a key in double quotes would be right here";
  const bool is_after_value =
      contains(error.reason, "; expected ']'") || contains(error.reason, "; expected '}'");
  if (is_after_value && opens_value) return read + "a comma is missing before it";
  if (is_after_value)
    return read + "',' or " + (error.is_open_object ? "'}'" : "']'") + " would be right here";
  return read + "a value is missing here: a text, a number, true, false, a list or an object";
}

std::string sentence(std::string_view token, const SyntaxError& error) {
  for (const Hint& hint : kTokenHints) {
    if (contains(error.reason, hint.reason)) return std::string(hint.text);
  }
  if (token.substr(0, 1) == "'") return "read a single quote; keys and texts need double quotes";
  if (!contains(error.reason, "invalid literal")) return unexpected_advice(token, error);
  if (is_word_character(token.empty() ? ' ' : token[0])) return bare_word_advice(token);
  return "read " + in_quotes(token) + ", which means nothing here; keys and texts need double quotes";
}

SyntaxAdvice at(std::string_view text, std::size_t position, std::string words) {
  SyntaxAdvice advice;
  position = std::min(position, text.size());
  for (const char c : text.substr(0, position)) {
    if (c == '\n') {
      ++advice.line;
      advice.column = 1;
    } else if (!is_utf8_continuation(c)) {
      ++advice.column;
    }
  }
  advice.text = std::move(words);
  return advice;
}

}  // namespace

SyntaxAdvice advise(std::string_view text, const SyntaxError& error) {
  const LastTokens tokens = last_tokens(text, error.consumed);
  const bool is_half_read =
      contains(error.reason, "invalid literal") || contains(error.reason, "invalid number");
  const bool is_touching = tokens.before.start + tokens.before.text.size() == tokens.last.start;
  // The reader sees that a word or a number is wrong only at the character behind it.
  const bool is_before = is_half_read && is_touching &&
                         is_word_character(tokens.before.text.empty() ? ' ' : tokens.before.text[0]);
  const Token& last = is_before ? tokens.before : tokens.last;
  if (contains(error.reason, "unexpected end of input"))
    return at(text, last.start + last.text.size(), too_early_advice(error));
  const bool is_closing = last.text == "}" || last.text == "]";
  if (is_closing && tokens.before.text == ",")
    return at(text, tokens.before.start, "there is a comma after the last entry; remove it");
  return at(text, last.start, sentence(last.text, error));
}

}  // namespace outrider
