// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/dbc_multiplex.h"

#include <algorithm>

namespace outrider {

namespace {

/// The multiplexing of one message.
class Resolver {
 public:
  Resolver(DbcDraft& draft, std::size_t index)
      : draft_(draft),
        index_(index),
        message_(draft.dbc().messages[index]),
        marks_(draft.multiplexing(index).marks),
        fates_(message_.signals.size(), Fate::kUnknown) {}

  void resolve() {
    find_roots();
    for (const SelectorStatement& statement : draft_.multiplexing(index_).statements) apply(statement);
    for (std::size_t i = 0; i < marks_.size(); ++i) apply_mark(i);
    for (std::size_t i = 0; i < marks_.size(); ++i) follow(i);
    remove_lost();
  }

 private:
  enum class Fate : std::uint8_t { kUnknown, kInPath, kKept, kLost };

  DbcSignal& signal(std::size_t i) { return message_.signals[i]; }
  void warn(std::size_t i, const std::string& text) {
    draft_.warn(message_.line,
                "signal '" + signal(i).short_name + "' of '" + message_.short_name + "' " + text);
  }

  void find_roots() {
    std::vector<std::size_t> bare;
    for (std::size_t i = 0; i < marks_.size(); ++i) {
      signal(i).is_selector = marks_[i].is_selector;
      if (marks_[i].is_selector && !marks_[i].when) roots_.push_back(i);
      if (marks_[i].is_bare) bare.push_back(i);
    }
    const bool has_selected = std::any_of(marks_.begin(), marks_.end(),
                                          [](const MultiplexMark& mark) { return mark.when.has_value(); });
    // Seen in vw_pq.dbc of opendbc: the selector of m0..m3 is marked "m".
    const bool is_bare_root = roots_.empty() && bare.size() == 1 && has_selected;
    for (const std::size_t i : bare)
      warn(i, is_bare_root ? "is marked 'm' without a number; read as the selector 'M' that the message lacks"
                           : "is marked 'm' without a number; read as always present");
    if (!is_bare_root) return;
    roots_.push_back(bare.front());
    signal(bare.front()).is_selector = true;
  }

  /// Of several signals with one name, that whose m<k> the ranges cover.
  std::optional<std::size_t> meant_signal(const SelectorStatement& statement) {
    const std::vector<std::size_t> namesakes =
        draft_.find_signals(index_, statement.signal, statement.line, "SG_MUL_VAL_");
    if (namesakes.empty()) return std::nullopt;
    const auto covered = std::find_if(namesakes.begin(), namesakes.end(), [&](std::size_t i) {
      return marks_[i].when &&
             std::any_of(statement.ranges.begin(), statement.ranges.end(), [&](const auto& range) {
               return range.first <= *marks_[i].when && *marks_[i].when <= range.last;
             });
    });
    return covered == namesakes.end() ? namesakes.front() : *covered;
  }

  void apply(const SelectorStatement& statement) {
    const std::optional<std::size_t> meant = meant_signal(statement);
    const std::vector<std::size_t> selectors =
        draft_.find_signals(index_, statement.selector, statement.line, "SG_MUL_VAL_");
    if (!meant || selectors.empty()) return;
    const auto selector = static_cast<std::int32_t>(selectors.front());
    DbcSignal& selected = signal(*meant);
    if (selected.selector >= 0 && selected.selector != selector) {
      draft_.warn(statement.line, "SG_MUL_VAL_ skipped: '" + statement.signal +
                                      "' already has the selector '" +
                                      signal(static_cast<std::size_t>(selected.selector)).short_name + "'");
      return;
    }
    selected.selector = selector;
    selected.selected_by.insert(selected.selected_by.end(), statement.ranges.begin(), statement.ranges.end());
    signal(selectors.front()).is_selector = true;
  }

  void apply_mark(std::size_t i) {
    if (!marks_[i].when || signal(i).selector >= 0) return;
    if (roots_.size() == 1) {
      signal(i).selector = static_cast<std::int32_t>(roots_.front());
      signal(i).selected_by = {{*marks_[i].when, *marks_[i].when}};
      return;
    }
    fates_[i] = Fate::kLost;
    warn(i, roots_.empty()
                ? "is skipped: it is multiplexed but the message has no selector 'M'"
                : "is skipped: the message has several selectors and no SG_MUL_VAL_ says which is its own");
  }

  /// Walks from a signal to its selector's selector and so on; whoever ends in a circle or at a lost one is lost.
  void follow(std::size_t start) {
    std::vector<std::size_t> path;
    std::size_t i = start;
    while (fates_[i] == Fate::kUnknown) {
      path.push_back(i);
      fates_[i] = signal(i).selector < 0 ? Fate::kKept : Fate::kInPath;
      if (signal(i).selector >= 0) i = static_cast<std::size_t>(signal(i).selector);
    }
    const Fate fate = fates_[i] == Fate::kKept ? Fate::kKept : Fate::kLost;
    for (const std::size_t passed : path) {
      if (fate == Fate::kLost) warn(passed, "is skipped: its selectors lead to none that is always present");
      fates_[passed] = fate;
    }
  }

  void remove_lost() {
    if (std::find(fates_.begin(), fates_.end(), Fate::kLost) == fates_.end()) return;
    std::vector<std::int32_t> new_index(fates_.size(), -1);
    std::vector<DbcSignal> kept;
    for (std::size_t i = 0; i < fates_.size(); ++i) {
      if (fates_[i] == Fate::kLost) continue;
      new_index[i] = static_cast<std::int32_t>(kept.size());
      kept.push_back(std::move(signal(i)));
    }
    for (DbcSignal& signal : kept)
      if (signal.selector >= 0) signal.selector = new_index[static_cast<std::size_t>(signal.selector)];
    message_.signals = std::move(kept);
  }

  DbcDraft& draft_;
  std::size_t index_;
  DbcMessage& message_;
  const std::vector<MultiplexMark>& marks_;
  std::vector<Fate> fates_;
  std::vector<std::size_t> roots_;  // selectors that are always present
};

}  // namespace

void resolve_multiplexing(DbcDraft& draft) {
  for (std::size_t i = 0; i < draft.dbc().messages.size(); ++i) Resolver(draft, i).resolve();
}

}  // namespace outrider
