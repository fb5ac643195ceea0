// SPDX-License-Identifier: Apache-2.0
#include "agent/command/verify.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

using namespace outrider;

namespace {

/// Plays one step per call of receive; time passes only there.
class ScriptedSource : public MessageSource {
 public:
  struct Step {
    std::vector<std::string> payloads;
    bool is_subscribed = true;
    std::string trouble{};
    Fault fault = Fault::kRetry;
  };

  explicit ScriptedSource(std::vector<Step> steps) : steps_(std::move(steps)) {}

  Status receive(std::vector<ReceivedMessage>& messages, milliseconds longest) override {
    now += longest;
    const Step step = next_ < steps_.size() ? steps_[next_] : Step{{}, is_subscribed_};
    if (++next_ > steps_.size() && at_end) at_end();
    is_subscribed_ = step.is_subscribed;
    for (const std::string& payload : step.payloads)
      messages.push_back({now, "outrider/v/telemetry", payload, false});
    if (!step.trouble.empty()) return Error{step.fault, step.trouble};
    return ok();
  }
  bool is_subscribed() const override { return is_subscribed_; }

  WallTime now{std::chrono::hours{24 * 365 * 50}};
  std::function<void()> at_end;

 private:
  std::vector<Step> steps_;
  std::size_t next_ = 0;
  bool is_subscribed_ = false;
};

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

std::string text_of(std::FILE* file) {
  std::rewind(file);
  std::array<char, 4096> part{};
  std::string text;
  while (const std::size_t bytes = std::fread(part.data(), 1, part.size(), file))
    text.append(part.data(), bytes);
  return text;
}

Outcome verify(ScriptedSource& source, const VerifyArguments& arguments) {
  std::atomic<bool> stop{false};
  if (!arguments.length && !arguments.idle) source.at_end = [&stop] { stop = true; };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::tmpfile(), std::fclose);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> err(std::tmpfile(), std::fclose);
  REQUIRE(out);
  REQUIRE(err);
  Outcome outcome;
  outcome.code = run_verify(
      arguments, source, [&source] { return source.now; }, stop, out.get(), err.get());
  outcome.out = text_of(out.get());
  outcome.err = text_of(err.get());
  return outcome;
}

ScriptedSource::Step arrives(std::vector<std::string> payloads) { return {std::move(payloads)}; }

ScriptedSource::Step silence() { return arrives({}); }

ScriptedSource::Step fails(const std::string& trouble, Fault fault = Fault::kRetry) {
  return {{}, false, trouble, fault};
}

VerifyArguments quiet() {
  VerifyArguments arguments;
  arguments.broker = "mqtt://127.0.0.1:1883";
  arguments.is_quiet = true;
  return arguments;
}

std::string message(int seq) {
  return R"({"schema":"outrider/telemetry/1","vehicle_id":"v","epoch":"1-a","rows":[{"seq":)" +
         std::to_string(seq) + R"(,"signals":{"a":{"t":[0],"v":[1]}}}]})";
}

}  // namespace

TEST_CASE("verify: stopped after rows in order it says fine, as JSON and as a sentence") {
  ScriptedSource source({arrives({message(1), message(2)})});
  const Outcome outcome = verify(source, quiet());
  CHECK(outcome.code == kExitFine);
  CHECK(nlohmann::json::parse(outcome.out)["rows"] == 2);
  CHECK(outcome.err.find("subscribed to outrider/# at mqtt://127.0.0.1:1883\n") != std::string::npos);
  CHECK(outcome.err.find("fine: 2 samples in 2 rows of 1 stream") != std::string::npos);
}

TEST_CASE("verify: a gap is a no that names the rows") {
  ScriptedSource source({arrives({message(1), message(3)})});
  const Outcome outcome = verify(source, quiet());
  CHECK(outcome.code == kExitNo);
  CHECK(outcome.err.find("rows 2 to 2 of v/telemetry") != std::string::npos);
}

TEST_CASE("verify: silence is a no that says what to look at") {
  ScriptedSource source({silence()});
  const Outcome outcome = verify(source, quiet());
  CHECK(outcome.code == kExitNo);
  CHECK(outcome.err.find("nothing to check arrived") != std::string::npos);
}

TEST_CASE("verify: messages that are there when it is stopped still count") {
  ScriptedSource source({arrives({message(1)}), silence(), arrives({message(2)})});
  VerifyArguments arguments = quiet();
  arguments.length = milliseconds{200};  // two turns of 100 ms
  const Outcome outcome = verify(source, arguments);
  CHECK(nlohmann::json::parse(outcome.out)["rows"] == 2);
}

TEST_CASE("verify: idle is counted from the beginning and again from every message") {
  std::vector<ScriptedSource::Step> steps(2, silence());
  steps.push_back(arrives({message(1)}));
  ScriptedSource source(steps);
  VerifyArguments arguments = quiet();
  arguments.idle = milliseconds{300};
  const WallTime started = source.now;
  const Outcome outcome = verify(source, arguments);
  CHECK(outcome.code == kExitFine);
  CHECK(source.now - started == milliseconds{600});
}

TEST_CASE("verify: a broker that was never there means it could not start") {
  ScriptedSource source({fails("the broker is away (nobody answers)")});
  VerifyArguments arguments = quiet();
  arguments.length = milliseconds{500};
  const Outcome outcome = verify(source, arguments);
  CHECK(outcome.code == kExitCannotStart);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.find("the broker is away (nobody answers); trying again") != std::string::npos);
  CHECK(outcome.err.find("cannot verify") != std::string::npos);
}

TEST_CASE("verify: a refused subscription ends it at once with the reason") {
  ScriptedSource source({fails("not allowed to subscribe", Fault::kStop)});
  const Outcome outcome = verify(source, quiet());
  CHECK(outcome.code == kExitCannotStart);
  CHECK(outcome.err == "cannot verify: not allowed to subscribe\n");
}

TEST_CASE("verify: a broker that comes back is announced again, and its absence once") {
  ScriptedSource source({arrives({message(1)}), fails("the broker is away"), fails("the broker is away"),
                         arrives({message(2)})});
  const Outcome outcome = verify(source, quiet());
  CHECK(outcome.code == kExitFine);
  const std::size_t first = outcome.err.find("subscribed to");
  CHECK(outcome.err.find("subscribed to", first + 1) != std::string::npos);
  const std::size_t away = outcome.err.find("away");
  CHECK(outcome.err.find("away", away + 1) == std::string::npos);
}

TEST_CASE("verify: people get a line a second that overwrites itself, and it is wiped before other lines") {
  ScriptedSource source({arrives({message(1)})});
  VerifyArguments arguments = quiet();
  arguments.is_quiet = false;
  arguments.length = milliseconds{2500};
  const Outcome outcome = verify(source, arguments);
  CHECK(outcome.err.find("\r2 s: 1 samples in 1 rows of 1 stream") != std::string::npos);
  CHECK(outcome.err.find("\r\033[Kfine: ") != std::string::npos);
}
