// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.h"
#include "agent/config/json_document.h"
#include "agent/config/keys.h"
#include "agent/config/problems.h"

namespace outrider {

/// Both ends are allowed.
template <class T>
struct Range {
  T smallest;
  T largest;
};

struct TextLimits {
  std::size_t most_bytes = 256;
  bool may_be_empty = false;
};

/// One word of a list of words and what it means.
template <class T>
struct Choice {
  std::string_view word;
  T meaning;
};

/// One value at its place. `read` sets `out` and returns true, or reports what is wrong and returns false.
class JsonEntry {
 public:
  JsonEntry(const JsonValue& value, std::string path, Problems& problems)
      : value_(&value), path_(std::move(path)), problems_(&problems) {}

  bool read(std::string& out, TextLimits limits = {}) const;
  bool read(bool& out) const;
  bool read(double& out, Range<double> range) const;
  bool read(std::uint64_t& out, Range<std::uint64_t> range) const;
  bool read(milliseconds& out, Range<milliseconds> range) const;
  /// A whole number of seconds.
  bool read(seconds& out, Range<seconds> range) const;
  /// A size such as "64KiB".
  bool read_size(std::uint64_t& out, Range<std::uint64_t> range) const;
  template <class T>
  bool read(T& out, std::span<const Choice<T>> choices) const;

  /// The items of a list; `of` says what they are ("texts", "objects"). nullopt when it is no list, or too long.
  std::optional<std::vector<JsonEntry>> items(std::string_view of, std::size_t most) const;

  /// True when it is of this kind; nothing is reported.
  bool is(JsonValue::Kind kind) const { return value_->kind == kind; }
  const JsonValue& value() const { return *value_; }
  const std::string& path() const { return path_; }
  Problems& problems() const { return *problems_; }
  /// Reports; `text` is what is wrong and what would be right. Always false, so that it can be returned.
  bool refuse(std::string_view text) const {
    problems_->add({path_, value_->line}, text);
    return false;
  }
  /// Reports "is the number 5; write " and `right`. Always false.
  bool refuse_type(std::string_view right) const;

 private:
  std::optional<std::size_t> find_word(std::span<const std::string_view> words) const;
  bool duration(milliseconds& out, Range<milliseconds> range, bool is_whole_seconds) const;

  const JsonValue* value_;
  std::string path_;
  Problems* problems_;
};

/// An object whose keys are known: unknown ones are reported when it is made.
class JsonObject {
 public:
  /// nullopt, and reported, when `entry` is no object. `known` is a path of config_objects().
  static std::optional<JsonObject> of(const JsonEntry& entry, std::string_view known);

  /// ENSUREs that the key is in the table, so the table cannot lag behind the parser.
  std::optional<JsonEntry> find(std::string_view key) const;
  bool has(std::string_view key) const { return find(key).has_value(); }

  /// Reads the value of `key` with `JsonEntry::read`, if it is there. True when it was there and good.
  template <class T, class... Limits>
  bool read(std::string_view key, T& out, Limits... limits) const {
    const std::optional<JsonEntry> entry = find(key);
    return entry && entry->read(out, limits...);
  }
  bool read_size(std::string_view key, std::uint64_t& out, Range<std::uint64_t> range) const;
  /// A whole number into whichever unsigned type the range has.
  template <class T>
  bool read_whole(std::string_view key, T& out, Range<T> range) const {
    std::uint64_t wide = 0;
    if (!read(key, wide, Range<std::uint64_t>{range.smallest, range.largest})) return false;
    out = static_cast<T>(wide);
    return true;
  }
  template <class T, std::size_t N>
  bool read_choice(std::string_view key, T& out, const std::array<Choice<T>, N>& choices) const {
    return read(key, out, std::span<const Choice<T>>(choices));
  }
  /// The object below `key`, if it is there and is one.
  std::optional<JsonObject> object(std::string_view key, std::string_view known) const;

  /// Reports at the place of `key` when it is there, or where it would be.
  void problem(std::string_view key, std::string_view text) const;
  const std::string& path() const { return entry_.path(); }

 private:
  JsonObject(const JsonEntry& entry, const ConfigObject& known) : entry_(entry), known_(&known) {}
  void report_unknown_keys() const;

  JsonEntry entry_;
  const ConfigObject* known_;
};

template <class T>
bool JsonEntry::read(T& out, std::span<const Choice<T>> choices) const {
  std::vector<std::string_view> words;
  words.reserve(choices.size());
  for (const Choice<T>& choice : choices) words.push_back(choice.word);
  const std::optional<std::size_t> found = find_word(words);
  if (found) out = choices[*found].meaning;
  return found.has_value();
}

}  // namespace outrider
