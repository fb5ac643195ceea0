// SPDX-License-Identifier: Apache-2.0
#include "agent/command/rule_coverage.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>

#include "agent/config/glob.h"
#include "agent/config/suggest.h"

namespace outrider {
namespace {

using Names = std::vector<std::string_view>;

constexpr std::size_t kMostSuggestions = 3;
constexpr std::size_t kMostListed = 8;

/// One signal of the files, and whether a rule for all its senders has claimed it already.
struct Candidate {
  const DbcMessage* message;
  const DbcSignal* signal;
  const SignalRule* decided_by = nullptr;
};

std::vector<Candidate> all_signals(const std::vector<std::shared_ptr<const Dbc>>& files) {
  std::vector<Candidate> candidates;
  std::set<const Dbc*> seen;  // two buses may share a file
  for (const auto& file : files) {
    if (!seen.insert(file.get()).second) continue;
    for (const DbcMessage& message : file->messages)
      for (const DbcSignal& signal : message.signals) candidates.push_back({&message, &signal});
  }
  return candidates;
}

Names unique(Names names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

/// "; did you mean …?", else "; WHERE has …" when that is a short list, else nothing.
std::string advice(std::string_view word, const Names& names, std::string_view where) {
  const std::string meant = did_you_mean(word, names, kMostSuggestions);
  if (!meant.empty()) return "; " + meant;
  if (names.empty() || names.size() > kMostListed) return {};
  return "; " + std::string(where) + quoted_list(names);
}

std::string idle_sentence(const SignalRule& rule, const std::vector<Candidate>& candidates) {
  Names messages;
  Names signals_of_matching;
  Names messages_with_signal;
  for (const Candidate& candidate : candidates) {
    messages.push_back(candidate.message->name);
    if (glob_matches(rule.message, candidate.message->name))
      signals_of_matching.push_back(candidate.signal->name);
    if (glob_matches(rule.signal, candidate.signal->name))
      messages_with_signal.push_back(candidate.message->name);
  }
  if (signals_of_matching.empty()) {
    return rule.path + ".message: no message is called \"" + rule.message + "\"" +
           advice(rule.message, unique(messages), "there are ");
  }
  std::string text = rule.path + ".signal: ";
  text += rule.message == "*" ? "no signal" : "no signal of message \"" + rule.message + "\"";
  text += " is called \"" + rule.signal + "\"";
  const Names elsewhere = unique(messages_with_signal);
  if (!elsewhere.empty()) return text + "; one is in message " + quoted_list({elsewhere.front()});
  return text + advice(rule.signal, unique(signals_of_matching), "there are ");
}

std::string name_of(const Candidate& candidate) {
  return candidate.message->name + "." + candidate.signal->name;
}

/// What one rule does, given what the rules before it have decided. Marks what it decides.
std::string examine(const SignalRule& rule, std::vector<Candidate>& candidates) {
  std::set<std::string> won;
  const SignalRule* winner = nullptr;  // an earlier rule that decides about a signal of this one
  for (Candidate& candidate : candidates) {
    if (!glob_matches(rule.message, candidate.message->name) ||
        !glob_matches(rule.signal, candidate.signal->name))
      continue;
    if (candidate.decided_by != nullptr) {
      winner = candidate.decided_by;
      continue;
    }
    won.insert(name_of(candidate));
    // A rule for one sender leaves the others to later rules.
    if (!rule.source_address) candidate.decided_by = &rule;
  }
  if (won.empty() && winner != nullptr)
    return rule.path + ": has no effect, as " + winner->path + " decides about its signals first; move it up";
  if (won.empty()) return idle_sentence(rule, candidates);
  if (rule.as && won.size() > 1)
    return rule.path + ".as: matches " + std::to_string(won.size()) + " signals, such as " + *won.begin() +
           " and " + *std::next(won.begin()) + ", which cannot share the name \"" + *rule.as +
           "\"; give the message too";
  return {};
}

}  // namespace

std::vector<std::string> rule_warnings(const std::vector<SignalRule>& rules,
                                       const std::vector<std::shared_ptr<const Dbc>>& files) {
  std::vector<Candidate> candidates = all_signals(files);
  if (candidates.empty()) return {"buses: no DBC file describes a signal; nothing will be kept"};
  std::vector<std::string> warnings;
  for (const SignalRule& rule : rules) {
    std::string warning = examine(rule, candidates);
    if (!warning.empty()) warnings.push_back(std::move(warning));
  }
  return warnings;
}

}  // namespace outrider
