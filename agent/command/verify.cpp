// SPDX-License-Identifier: Apache-2.0
#include "agent/command/verify.h"

#include <optional>
#include <string>
#include <vector>

#include "agent/base/quantity.h"
#include "agent/command/stream_checker.h"

namespace outrider {

namespace {

constexpr milliseconds kTurn{100};
constexpr seconds kProgressPeriod{1};

/// What a person reads while it runs and at the end.
std::string counts_text(const StreamReport& report) {
  return std::to_string(report.samples) + " samples in " + std::to_string(report.rows) + " rows of " +
         std::to_string(report.streams) + (report.streams == 1 ? " stream; " : " streams; ") +
         std::to_string(report.repeats) + " repeats, " + std::to_string(report.gaps) + " gaps, " +
         std::to_string(report.out_of_order) + " out of order, " + std::to_string(report.reported_lost) +
         " reported lost";
}

nanoseconds from_milliseconds(double value) {
  return std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double, std::milli>(value));
}

std::string verdict_text(const StreamReport& report, const std::string& problem) {
  if (report.is_fine())
    return "fine: " + counts_text(report) + "; latency " +
           duration_text(from_milliseconds(report.latency_p50_ms)) + " (median), " +
           duration_text(from_milliseconds(report.latency_p99_ms)) + " (99 of 100)";
  if (report.rows == 0 && report.broken == 0)
    return "not fine: nothing to check arrived; is an agent publishing, and does --topic match its topics?";
  return "not fine: " + problem + "; " + counts_text(report) + ", " + std::to_string(report.conflicts) +
         " conflicts, " + std::to_string(report.broken) + " broken messages";
}

/// One run of the command.
class Verification {
 public:
  Verification(const VerifyArguments& arguments, MessageSource& source,
               const std::function<WallTime()>& wall_now, std::FILE* err)
      : arguments_(arguments), source_(source), wall_now_(wall_now), err_(err), started_(wall_now()) {}

  /// One wait for messages; an error ends the command.
  Status advance(milliseconds longest) {
    messages_.clear();
    Status received = source_.receive(messages_, longest);
    if (!received && received.error().fault != Fault::kRetry) return received;
    for (const ReceivedMessage& message : messages_) checker_.take(message.payload, message.received);
    now_ = wall_now_();
    if (!messages_.empty()) last_arrival_ = now_;
    announce(received);
    show_progress();
    return ok();
  }

  bool is_over() const {
    if (arguments_.length && now_ - started_ >= *arguments_.length) return true;
    return arguments_.idle && now_ - last_arrival_ >= *arguments_.idle;
  }

  bool was_subscribed() const { return was_subscribed_; }
  const std::string& trouble() const { return trouble_; }

  int conclude(std::FILE* out) {
    const StreamReport report = checker_.report();
    say(verdict_text(report, checker_.first_problem()));
    std::fprintf(out, "%s\n", report.json().c_str());
    std::fflush(out);
    return report.is_fine() ? kExitFine : kExitNo;
  }

  /// A whole line, in place of the progress line.
  void say(const std::string& line) {
    std::fprintf(err_, "%s%s\n", is_progress_shown_ ? "\r\033[K" : "", line.c_str());
    std::fflush(err_);
    is_progress_shown_ = false;
  }

 private:
  void announce(const Status& received) {
    const bool is_subscribed = source_.is_subscribed();
    if (is_subscribed && !is_subscribed_)
      say("subscribed to " + arguments_.topic + " at " + arguments_.broker);
    if (!received && received.error().text != trouble_) say(received.error().text + "; trying again");
    trouble_ = received ? "" : received.error().text;
    is_subscribed_ = is_subscribed;
    was_subscribed_ = was_subscribed_ || is_subscribed;
  }

  void show_progress() {
    if (arguments_.is_quiet || now_ - last_progress_ < kProgressPeriod) return;
    last_progress_ = now_;
    is_progress_shown_ = true;
    const std::string elapsed = duration_text(std::chrono::floor<seconds>(now_ - started_));
    std::fprintf(err_, "\r%s: %s\033[K", elapsed.c_str(), counts_text(checker_.report()).c_str());
    std::fflush(err_);
  }

  const VerifyArguments& arguments_;
  MessageSource& source_;
  const std::function<WallTime()>& wall_now_;
  std::FILE* const err_;
  const WallTime started_;
  WallTime now_ = started_;
  StreamChecker checker_{StreamCheckerOptions{.from_start = arguments_.is_from_start}};
  std::vector<ReceivedMessage> messages_;
  WallTime last_arrival_ = started_;  // or the beginning
  WallTime last_progress_{};
  bool is_progress_shown_ = false;
  bool is_subscribed_ = false;
  bool was_subscribed_ = false;
  std::string trouble_;
};

}  // namespace

int run_verify(const VerifyArguments& arguments, MessageSource& source,
               const std::function<WallTime()>& wall_now, const std::atomic<bool>& stop, std::FILE* out,
               std::FILE* err) {
  Verification verification(arguments, source, wall_now, err);
  Status going = ok();
  while (going && !stop && !verification.is_over()) going = verification.advance(kTurn);
  if (going) going = verification.advance(milliseconds{0});  // what is here already counts
  if (!going) {
    verification.say("cannot verify: " + going.error().text);
    return kExitCannotStart;
  }
  if (!verification.was_subscribed()) {
    verification.say("cannot verify: the broker " + arguments.broker + " was never reached" +
                     (verification.trouble().empty() ? "" : " (" + verification.trouble() + ")"));
    return kExitCannotStart;
  }
  return verification.conclude(out);
}

}  // namespace outrider
