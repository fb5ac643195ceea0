// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/decode/dbc.h"

namespace outrider {

/// What an SG_ line says between name and ':' about multiplexing.
struct MultiplexMark {
  bool is_selector = false;           ///< "M", "m<k>M"
  bool is_bare = false;               ///< "m" without a number
  std::optional<std::uint64_t> when;  ///< The k of "m<k>": there when the selector's raw value is k.
};

/// One SG_MUL_VAL_ statement; signals by their short names.
struct SelectorStatement {
  int line = 0;
  std::string signal;
  std::string selector;
  std::vector<SelectorRange> ranges;
};

/// A DBC in the making. Later statements name its messages by the id as the file wrote it and its signals by their
/// short names; this is where they are found, and where everything that went wrong is noted.
class DbcDraft {
 public:
  /// What the file says about multiplexing in one message, before it is resolved.
  struct Multiplexing {
    std::vector<MultiplexMark> marks;  ///< One per signal.
    std::vector<SelectorStatement> statements;
  };

  explicit DbcDraft(std::string name) { dbc_.name = std::move(name); }

  Dbc& dbc() { return dbc_; }
  void warn(int line, std::string text);

  /// Makes `message` the one that signals are added to. One whose id is taken is dropped, its signals too.
  void add_message(std::uint64_t written_id, DbcMessage message);
  /// The SG_ lines that follow belong to nothing that we keep. `written_id`: references to it are no mistake.
  void drop_message(std::optional<std::uint64_t> written_id);
  void add_signal(DbcSignal signal, MultiplexMark mark, int line);
  /// `name` is known to have been in the current message, so that references to it need no second warning.
  void drop_signal(std::string_view name);
  bool has_message_begun() const { return has_message_begun_; }
  /// Index of the message that signals are added to; nullopt while they are skipped.
  std::optional<std::size_t> current_message() const {
    return current_ < dbc_.messages.size() ? std::optional(current_) : std::nullopt;
  }
  /// SG_ lines are being skipped with the message they belong to.
  bool is_dropping() const { return current_ == kDropped; }

  /// Index of the message. nullopt after a warning, or silently when it was dropped knowingly.
  std::optional<std::size_t> find_message(std::uint64_t written_id, int line, std::string_view statement);
  /// Indices of the signals of that name: several when a name is used once per selector value.
  std::vector<std::size_t> find_signals(std::size_t message, std::string_view name, int line,
                                        std::string_view statement);

  /// True while `bytes` more may be copied to signals that share a name: a hostile file would multiply itself.
  bool may_copy(std::size_t bytes);

  Multiplexing& multiplexing(std::size_t message) { return notes_[message].multiplexing; }

  /// The result, with the warnings in the order of lines.
  Dbc finish();

 private:
  static constexpr std::size_t kNoMessage = static_cast<std::size_t>(-1);
  static constexpr std::size_t kDropped = static_cast<std::size_t>(-2);

  /// What is noted about one message until the file is read.
  struct Notes {
    std::map<std::string, std::vector<std::size_t>, std::less<>> signals;  // by short name
    std::set<std::string, std::less<>> dropped;
    Multiplexing multiplexing;
  };

  bool is_place_taken(const DbcMessage& message, const std::vector<std::size_t>& namesakes,
                      const MultiplexMark& mark);

  Dbc dbc_;
  std::vector<Notes> notes_;                                        // one per message
  std::unordered_map<std::uint64_t, std::size_t> by_id_;            // written id → index or kDropped
  std::map<std::pair<bool, std::uint32_t>, std::size_t> by_frame_;  // extended, id → index
  std::map<std::string, int, std::less<>> line_of_name_;            // message name → line
  std::size_t current_ = kNoMessage;
  std::size_t signal_count_ = 0;
  std::size_t warning_count_ = 0;
  std::size_t copied_bytes_ = 0;
  bool has_message_begun_ = false;
};

}  // namespace outrider
