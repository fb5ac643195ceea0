// SPDX-License-Identifier: Apache-2.0
#include "agent/config/json_document.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <nlohmann/json.hpp>

#include "agent/config/json_syntax.h"

namespace outrider {
namespace {

using Kind = JsonValue::Kind;

/// Keeps the search for repeated keys short; the largest object of a configuration has a dozen keys.
constexpr std::size_t kMostMembers = 1000;

/// Walks the text for the library and tells how far it has read, so that every value knows its line.
class CountingIterator {
 public:
  // NOLINTBEGIN(readability-identifier-naming): the standard's names for what an iterator must have
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;
  // NOLINTEND(readability-identifier-naming)

  CountingIterator(const char* at, const char** furthest) : at_(at), furthest_(furthest) {}

  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    *furthest_ = ++at_;
    return *this;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** furthest_;
};

/// Builds our tree from the library's events. Returning false from an event ends the reading.
class TreeBuilder {
 public:
  TreeBuilder(std::string_view text, Problems* problems)
      : text_(text), furthest_(text.data()), counted_to_(text.data()), problems_(problems) {}

  std::optional<JsonValue> build(bool with_comments) {
    const char* begin = text_.data();
    const bool is_good = nlohmann::json::sax_parse(CountingIterator(begin, &furthest_),
                                                   CountingIterator(begin + text_.size(), &furthest_), this,
                                                   nlohmann::json::input_format_t::json, true, with_comments);
    if (!is_good) return std::nullopt;
    return std::move(root_);
  }

  // Names and signatures of the events are the library's.
  bool null() { return scalar(Kind::kNull, "null"); }
  bool boolean(bool value) {
    JsonValue& added = add(Kind::kBool);
    added.is_true = value;
    added.text = value ? "true" : "false";
    return true;
  }
  bool number_integer(std::int64_t value) {
    scalar(Kind::kNumber, std::to_string(value));
    last_->number = static_cast<double>(value);
    if (value >= 0) last_->integer = static_cast<std::uint64_t>(value);
    return true;
  }
  bool number_unsigned(std::uint64_t value) {
    scalar(Kind::kNumber, std::to_string(value));
    last_->number = static_cast<double>(value);
    last_->integer = value;
    return true;
  }
  bool number_float(double value, const std::string& written) {
    scalar(Kind::kNumber, written);
    last_->number = value;
    constexpr double kExactIntegers = 9007199254740992;  // 2^53: above, a double stands for several integers
    if (value >= 0 && value <= kExactIntegers &&
        value == static_cast<double>(static_cast<std::uint64_t>(value)))
      last_->integer = static_cast<std::uint64_t>(value);
    return true;
  }
  bool string(std::string& value) { return scalar(Kind::kText, std::move(value)); }
  bool binary(std::vector<std::uint8_t>&) { return false; }  // JSON text has none
  bool start_object(std::size_t) { return open(Kind::kObject); }
  bool start_array(std::size_t) { return open(Kind::kList); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& value) {
    if (open_.back()->items.size() == kMostMembers) {
      if (problems_ != nullptr)
        problems_->add({path(), line_here()}, "has more keys than any object of a configuration");
      return false;
    }
    if (problems_ != nullptr && open_.back()->find(value) != nullptr) {
      problems_->add({member_path(path(), value), line_here()}, "is there twice; keep one of them");
    }
    key_ = std::move(value);
    return true;
  }
  bool parse_error(std::size_t consumed, const std::string&, const nlohmann::json::exception& reason) {
    if (problems_ == nullptr) return false;
    SyntaxError error{consumed, reason.what(), 0, false};
    if (!open_.empty()) {
      error.open_line = open_.back()->line;
      error.is_open_object = open_.back()->kind == Kind::kObject;
    }
    const SyntaxAdvice advice = advise(text_, error);
    problems_->add_syntax(advice.line, advice.column, advice.text);
    return false;
  }

 private:
  /// Line of the token that was just read. The reader may be one character further, so that one is not counted.
  int line_here() {
    const char* token_end = furthest_ > text_.data() ? furthest_ - 1 : furthest_;
    if (token_end > counted_to_) {
      line_ += static_cast<int>(std::count(counted_to_, token_end, '\n'));
      counted_to_ = token_end;
    }
    return line_;
  }

  std::string path() const {
    std::string path;
    for (std::size_t i = 1; i < open_.size(); ++i) {
      const JsonValue& parent = *open_[i - 1];
      path = parent.kind == Kind::kObject ? member_path(path, open_[i]->key)
                                          : item_path(path, parent.items.size() - 1);
    }
    return path;
  }

  /// Pointers in `open_` stay good: only the innermost container grows, and it holds none of the others.
  JsonValue& add(Kind kind) {
    if (open_.empty()) {
      last_ = &root_.emplace();
    } else {
      last_ = &open_.back()->items.emplace_back();
      last_->key = std::move(key_);
    }
    key_.clear();
    last_->kind = kind;
    last_->line = problems_ != nullptr ? line_here() : 0;
    return *last_;
  }

  bool scalar(Kind kind, std::string text) {
    add(kind).text = std::move(text);
    return true;
  }

  bool open(Kind kind) {
    JsonValue& added = add(kind);
    if (open_.size() == kDeepestJson) {
      if (problems_ != nullptr)
        problems_->add({path(), added.line}, "is nested deeper than " + std::to_string(kDeepestJson) +
                                                 " levels; a configuration needs only a few");
      return false;
    }
    open_.push_back(&added);
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_;
  const char* furthest_;    // one past the last character the library has taken
  const char* counted_to_;  // newlines before this are in `line_`
  int line_ = 1;
  Problems* problems_;  // null: errors are not told, and lines stay 0
  std::optional<JsonValue> root_;
  JsonValue* last_ = nullptr;
  std::vector<JsonValue*> open_;
  std::string key_;
};

}  // namespace

const JsonValue* JsonValue::find(std::string_view wanted) const {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const JsonValue& item) { return item.key == wanted; });
  return kind == Kind::kObject && found != items.end() ? &*found : nullptr;
}

std::optional<JsonValue> parse_json_document(std::string_view text, Problems& problems) {
  return TreeBuilder(text, &problems).build(true);
}

std::optional<JsonValue> parse_json_value(std::string_view text) {
  return TreeBuilder(text, nullptr).build(false);
}

std::string member_path(const std::string& object, std::string_view key) {
  return object.empty() ? std::string(key) : object + "." + std::string(key);
}

std::string item_path(const std::string& list, std::size_t index) {
  return list + "[" + std::to_string(index) + "]";
}

}  // namespace outrider
