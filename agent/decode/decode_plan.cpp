// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/decode_plan.h"

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "agent/decode/j1939.h"
#include "agent/decode/scaling.h"

namespace outrider {
namespace {

/// One dependency of a signal: the selector at this place of the message must have one of these raw values.
struct Link {
  std::int32_t selector = -1;
  const std::vector<SelectorRange>* values = nullptr;
};

/// A step whose presence is not yet arranged into programs.
struct Draft {
  std::uint32_t step = 0;
  std::uint8_t kind = 0;
  std::vector<Link> links;  ///< From the selector that is always there down to the signal's own.
};

bool includes(const std::vector<SelectorRange>& ranges, std::uint64_t value) {
  return std::any_of(ranges.begin(), ranges.end(), [value](const SelectorRange& range) {
    return range.first <= value && value <= range.last;
  });
}

bool are_equal(const std::vector<SelectorRange>& a, const std::vector<SelectorRange>& b) {
  return std::equal(
      a.begin(), a.end(), b.begin(), b.end(),
      [](const SelectorRange& x, const SelectorRange& y) { return x.first == y.first && x.last == y.last; });
}

/// Why a signal cannot be decoded; null when it can.
const char* defect_of(const DbcSignal& signal) {
  if (signal.width < 1 || signal.width > 64) return "has a width outside 1 to 64 bits";
  if (signal.type == ValueType::kFloat32 && signal.width != 32)
    return "is a 32-bit IEEE number of another width";
  if (signal.type == ValueType::kFloat64 && signal.width != 64)
    return "is a 64-bit IEEE number of another width";
  return nullptr;
}

/// Compiles the signals of one message into a plan.
class MessageCompiler {
 public:
  MessageCompiler(Plan& plan, const DbcMessage& message, bool is_by_group)
      : plan_(plan), message_(message), first_condition_(plan.conditions.size()) {
    result_.message = &message;
    result_.is_by_group = is_by_group;
    result_.first_slot = static_cast<std::uint32_t>(plan.slots.size());
  }

  /// False when the signal can never be decoded; `why` says so.
  bool add(const DbcSignal& signal, const char*& why) {
    Draft draft;
    why = defect_of(signal);
    if (why == nullptr && !find_links(signal, draft.links))
      why = "depends on a selector that does not exist or on itself";
    if (why != nullptr) return false;
    draft.step = static_cast<std::uint32_t>(plan_.steps.size());
    draft.kind = add_step(signal);
    drafts_.push_back(std::move(draft));
    return true;
  }

  MessagePlan finish() {
    result_.slot_count = static_cast<std::uint32_t>(plan_.slots.size()) - result_.first_slot;
    plan_.most_values = std::max<std::size_t>(plan_.most_values, result_.slot_count);
    main_selector_ = most_used_selector();
    unify_division();
    result_.program = arrange(std::nullopt);
    note_plainness();
    if (main_selector_ >= 0) add_switch();
    return result_;
  }

 private:
  /// Dividing by 1 changes no value. Where few steps would do it in vain, that costs less than changing loops.
  void unify_division() {
    const auto is_divided = [](const Draft& draft) { return (draft.kind & kStepDivided) != 0; };
    const auto divided = std::count_if(drafts_.begin(), drafts_.end(), is_divided);
    if (static_cast<std::ptrdiff_t>(drafts_.size()) > 3 * divided) return;
    for (Draft& draft : drafts_)
      if ((draft.kind & kStepRare) == 0) draft.kind |= kStepDivided;
  }

  void note_plainness() {
    if (main_selector_ >= 0 || result_.program.count == 0) return;
    const auto runs = std::span(plan_.runs).subspan(result_.program.first, result_.program.count);
    if (runs.size() == 1 && runs[0].kind < kStepRare) {
      result_.plain_from = runs[0].needed;
      result_.plain_kind = runs[0].kind;
    } else if (std::all_of(runs.begin(), runs.end(), [](const Run& run) { return run.kind < kStepCoded; })) {
      result_.plain_from = 0;
      result_.plain_kind = kStepMixed;
      for (const Run& run : runs) result_.plain_from = std::max(result_.plain_from, run.needed);
    }
  }

  const DbcSignal& signal_at(std::int32_t index) const {
    return message_.signals[static_cast<std::size_t>(index)];
  }

  bool find_links(const DbcSignal& signal, std::vector<Link>& links) const {
    const auto count = static_cast<std::int32_t>(message_.signals.size());
    for (const DbcSignal* at = &signal; at->selector != -1; at = &signal_at(at->selector)) {
      const bool exists = at->selector >= 0 && at->selector < count;
      if (!exists || links.size() > message_.signals.size() || defect_of(signal_at(at->selector)) != nullptr)
        return false;
      links.push_back({at->selector, &at->selected_by});
    }
    std::reverse(links.begin(), links.end());
    return true;
  }

  std::uint8_t add_step(const DbcSignal& signal) {
    const SignalBits bits = locate(signal);
    const Scaling scaling = scaling_of(signal);
    const bool is_signed = signal.type == ValueType::kSigned;
    const bool is_integer = is_signed || signal.type == ValueType::kUnsigned;
    std::optional<std::uint64_t> last;
    if (result_.is_by_group) last = last_value(signal, pgn_of(message_.id));

    Step step;
    step.mask = bits.mask;
    step.sign = is_signed ? bits.mask ^ (bits.mask >> 1) : 0;
    step.last_value = last.value_or(~std::uint64_t{0});
    step.slot = static_cast<std::uint32_t>(plan_.slots.size());
    step.needed = bits.needed;
    step.base = bits.base;
    step.shift = bits.shift;

    // What the tight loops cannot do: 64 bits as a signed integer, a sign that does not fold into the offset.
    const bool is_easy = is_integer && signal.width < 64 && (scaling.is_exact || !is_signed);
    const bool is_rare = !is_easy || bits.is_nine || scaling.may_overflow;
    const Scaling folded = is_rare ? scaling : scaling.for_offset_binary(step.sign);
    step.factor = folded.factor;
    step.offset = folded.offset;
    step.divisor = folded.divisor;
    unsigned kind = 0;
    if (is_rare) {
      kind = kStepRare;
      step.rare = static_cast<std::uint32_t>(plan_.rare.size());
      plan_.rare.push_back({bits, signal.type, last.has_value()});
    } else {
      step.is_motorola = bits.is_motorola;
      if (bits.is_motorola) kind |= kStepMotorola;
      if (scaling.divides()) kind |= kStepDivided;
      // In a parameter group all signals are checked, those without codes in vain: one kind makes longer runs.
      if (result_.is_by_group) kind |= kStepCoded;
    }
    plan_.steps.push_back(step);
    plan_.slots.push_back({&message_, &signal, scaling.decimals});
    return static_cast<std::uint8_t>(kind);
  }

  /// Of the selectors that are always there, the one that most signals depend on; -1 without multiplexing.
  std::int32_t most_used_selector() const {
    std::map<std::int32_t, int> uses;
    for (const Draft& draft : drafts_)
      if (!draft.links.empty()) ++uses[draft.links.front().selector];
    const auto most = std::max_element(uses.begin(), uses.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == uses.end() ? -1 : most->first;
  }

  /// Runs of the signals that can be there when the main selector has this raw value, or none that we know.
  Program arrange(std::optional<std::uint64_t> main_value) {
    const auto first = static_cast<std::uint32_t>(plan_.runs.size());
    for (const Draft& draft : drafts_) {
      std::int32_t condition = -1;
      if (is_possible(draft, main_value, condition)) append(draft, condition, first);
    }
    return {first, static_cast<std::uint32_t>(plan_.runs.size()) - first};
  }

  /// `condition`: what remains to be checked per frame.
  bool is_possible(const Draft& draft, std::optional<std::uint64_t> main_value, std::int32_t& condition) {
    for (const Link& link : draft.links) {
      if (link.selector != main_selector_)
        condition = condition_for(link, condition);
      else if (!main_value || !includes(*link.values, *main_value))
        return false;
    }
    return true;
  }

  std::int32_t condition_for(const Link& link, std::int32_t parent) {
    for (std::size_t i = first_condition_; i < plan_.conditions.size(); ++i) {
      const bool same_place = selectors_[i - first_condition_] == link.selector;
      if (same_place && plan_.conditions[i].parent == parent &&
          are_equal(plan_.conditions[i].selected_by, *link.values))
        return static_cast<std::int32_t>(i);
    }
    selectors_.push_back(link.selector);
    plan_.conditions.push_back({locate(signal_at(link.selector)), *link.values, parent});
    return static_cast<std::int32_t>(plan_.conditions.size() - 1);
  }

  /// Appends to the last run when that keeps the loop tight: a run is checked for length as a whole, so steps past the
  /// declared length, which hardly any frame has, stand alone.
  void append(const Draft& draft, std::int32_t condition, std::uint32_t program_first) {
    const std::uint16_t needed = plan_.steps[draft.step].needed;
    const bool is_past_end = needed > message_.length;
    const auto kind =
        static_cast<std::uint8_t>(draft.kind | (condition >= 0 ? unsigned{kStepConditional} : 0U));
    if (plan_.runs.size() > program_first) {
      Run& last = plan_.runs.back();
      const bool continues = last.first + last.count == draft.step && last.kind == kind;
      if (continues && last.condition == condition && (last.needed > message_.length) == is_past_end) {
        ++last.count;
        last.needed = std::max(last.needed, needed);
        return;
      }
    }
    plan_.runs.push_back({draft.step, 1, condition, needed, kind});
  }

  void add_switch() {
    Switch choice;
    choice.selector = locate(signal_at(main_selector_));
    choice.from.push_back(0);
    for (const Draft& draft : drafts_) {
      if (draft.links.empty() || draft.links.front().selector != main_selector_) continue;
      for (const SelectorRange& range : *draft.links.front().values) {
        choice.from.push_back(range.first);
        if (range.last != ~std::uint64_t{0}) choice.from.push_back(range.last + 1);
      }
    }
    std::sort(choice.from.begin(), choice.from.end());
    choice.from.erase(std::unique(choice.from.begin(), choice.from.end()), choice.from.end());
    for (const std::uint64_t value : choice.from) choice.programs.push_back(arrange(value));
    result_.selected = static_cast<std::int32_t>(plan_.switches.size());
    plan_.switches.push_back(std::move(choice));
  }

  Plan& plan_;
  const DbcMessage& message_;
  const std::size_t first_condition_;
  std::int32_t main_selector_ = -1;
  std::vector<std::int32_t> selectors_;  // of the conditions from first_condition_ on
  std::vector<Draft> drafts_;
  MessagePlan result_;
};

std::string place_of(const Dbc& file, const DbcMessage& message) {
  return file.name + ":" + std::to_string(message.line) + ": message " + message.name;
}

/// Compiles the messages of some files into a plan.
class PlanCompiler {
 public:
  PlanCompiler(std::size_t most_messages, IdMatching matching, const Decoder::Wanted& wanted)
      : plan_(most_messages), matching_(matching), wanted_(wanted) {}

  void add(const Dbc& file) {
    for (const DbcMessage& message : file.messages)
      if (is_any_wanted(message)) add(file, message);
  }
  Plan take() { return std::move(plan_); }

 private:
  bool is_any_wanted(const DbcMessage& message) const {
    return std::any_of(message.signals.begin(), message.signals.end(),
                       [&](const DbcSignal& signal) { return wanted_(message, signal); });
  }

  void add(const Dbc& file, const DbcMessage& message) {
    const bool by_flag = matching_ == IdMatching::kAuto && message.is_j1939;
    const bool is_by_group = message.is_extended && (by_flag || matching_ == IdMatching::kPgn);
    const auto added = static_cast<std::int32_t>(plan_.messages.size());
    const std::int32_t present = is_by_group ? plan_.index.add_group(message.id, added)
                                             : plan_.index.add_exact(message.id, message.is_extended, added);
    if (present >= 0) {
      const DbcMessage& first = *plan_.messages[static_cast<std::size_t>(present)].message;
      plan_.warnings.push_back(place_of(file, message) + " has the same identifier as " + first.name +
                               ", which came first and is the one decoded");
      return;
    }
    MessageCompiler compiler(plan_, message, is_by_group);
    for (const DbcSignal& signal : message.signals) {
      const char* why = nullptr;
      if (wanted_(message, signal) && !compiler.add(signal, why))
        plan_.warnings.push_back(place_of(file, message) + ": signal " + signal.name + " " + why +
                                 " and is not decoded");
    }
    plan_.messages.push_back(compiler.finish());
  }

  Plan plan_;
  IdMatching matching_;
  const Decoder::Wanted& wanted_;
};

}  // namespace

Plan compile_plan(const std::vector<std::shared_ptr<const Dbc>>& files, IdMatching matching,
                  const Decoder::Wanted& wanted) {
  std::size_t messages = 0;
  for (const auto& file : files) messages += file->messages.size();
  PlanCompiler compiler(messages, matching, wanted);
  for (const auto& file : files) compiler.add(*file);
  return compiler.take();
}

}  // namespace outrider
