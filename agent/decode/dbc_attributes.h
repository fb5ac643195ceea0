// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/decode/dbc_draft.h"

namespace outrider {

/// The attributes of a DBC file that change what its frames mean (BA_DEF_, BA_DEF_DEF_, BA_); others are not kept.
///
/// Enumerators are resolved by the file's own list, for the same index means different things in different files.
/// Order  an attribute may be set before it is defined: values are resolved when they are asked for.
/// Shape  values as written: a number, an enumerator's name or its index, or text, without quotes.
class DbcAttributes {
 public:
  enum class Scope : std::uint8_t { kNetwork, kMessage, kSignal };

  /// What a value belongs to; `message` and `signal` are indices and count as far as `scope` says.
  struct Target {
    Scope scope = Scope::kNetwork;
    std::size_t message = 0;
    std::size_t signal = 0;
  };

  /// False for attributes that nobody asks for.
  static bool is_meaningful(std::string_view name);

  void define(std::string_view name, Scope scope, std::vector<std::string> choices);
  void set_default(std::string_view name, std::string value);
  void set(std::string_view name, const Target& target, std::string value);

  /// True when the file defines or uses it.
  bool knows(std::string_view name) const;
  /// What was set for the target itself, or else the default. Text of enumerators, not their index.
  std::optional<std::string> text(std::string_view name, const Target& target) const;
  /// Only what was set for the target itself.
  std::optional<std::string> own_text(std::string_view name, const Target& target) const;
  std::optional<double> number(std::string_view name, const Target& target) const;

 private:
  struct Attribute {
    std::optional<Scope> scope;
    std::vector<std::string> choices;  // of an enumeration
    std::optional<std::string> standard;
    std::map<std::pair<std::size_t, std::size_t>, std::string> values;
  };

  const Attribute* find(std::string_view name) const;

  std::map<std::string, Attribute, std::less<>> attributes_;
};

/// Puts names, cycle times, SPNs and start values where they belong, and says in what frames each message travels.
void apply_attributes(const DbcAttributes& attributes, DbcDraft& draft);

}  // namespace outrider
