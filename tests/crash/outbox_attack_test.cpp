// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>

#include "agent/base/log.h"
#include "tests/crash/outbox_trial.h"

namespace outrider {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// How often a script has each kind of step, in the order of Step::Kind.
using Weights = std::array<int, 13>;
constexpr Weights kNoFaults = {40, 16, 10, 10, 8, 3, 3, 3, 2, 0, 0, 0, 0};
constexpr Weights kEverything = {40, 18, 10, 10, 6, 3, 4, 3, 2, 3, 4, 6, 4};

Script make_script(std::uint64_t seed, std::size_t length, std::uint64_t max_bytes, const Weights& weights) {
  std::mt19937_64 random(seed);
  std::discrete_distribution<int> kind(weights.begin(), weights.end());
  Script script{.seed = seed, .max_bytes = max_bytes};
  for (std::size_t i = 0; i < length; ++i)
    script.steps.push_back({.kind = static_cast<Step::Kind>(kind(random)),
                            .a = static_cast<std::uint32_t>(random()),
                            .b = static_cast<std::uint32_t>(random())});
  return script;
}

struct Tally {
  std::uint64_t trials = 0;
  std::uint64_t crashes = 0;
  std::uint64_t evicted = 0;
  std::uint64_t expired = 0;
  std::uint64_t buried = 0;
  std::uint64_t requeued = 0;
  std::uint64_t failed_commits = 0;
  std::uint64_t changes = 0;  ///< Of the last trial.

  void add(const Trial& trial) {
    ++trials;
    crashes += trial.crashes();
    evicted += trial.evicted();
    expired += trial.expired();
    buried += trial.buried();
    requeued += trial.requeued();
    failed_commits += trial.failed_commits();
    changes = trial.changes();
  }
};

/// What the outbox did wrong; nullopt if it did nothing wrong.
std::optional<std::string> complaint(const Script& script, Tally& tally) {
  Trial trial(script);
  try {
    trial.run();
  } catch (const Disagreement& disagreement) {
    return disagreement.what();
  }
  tally.add(trial);
  return std::nullopt;
}

/// Leaves steps out, many at a time and then fewer, as long as anything is still wrong.
Script shrunk(Script script) {
  Tally ignored;
  for (std::size_t part = script.steps.size() / 2; part > 0; part /= 2) {
    for (std::size_t at = 0; at + part <= script.steps.size();) {
      Script shorter = script;
      const auto first = shorter.steps.begin() + static_cast<std::ptrdiff_t>(at);
      shorter.steps.erase(first, first + static_cast<std::ptrdiff_t>(part));
      if (complaint(shorter, ignored))
        script = shorter;
      else
        at += part;
    }
  }
  return script;
}

void check(const Script& script, Tally& tally) {
  CAPTURE(script.seed);  // for an abort, which cannot be shrunk
  if (!complaint(script, tally)) return;
  const Script least = shrunk(script);
  FAIL("does not hold: " << complaint(least, tally).value_or("")
                         << "\nthe shortest script that shows it: " << describe(least));
}

void silence() {
  set_log_sink([](LogLevel, std::string_view) {});
}

constexpr std::uint64_t kRoomy = 64U << 20U;
constexpr std::uint64_t kTight = 256U << 10U;

std::uint64_t first_seed() {
  // The same scripts each time, so that a change is judged by what it changes; other seeds are for longer hunts.
  const std::uint64_t seed = from_environment("OUTRIDER_SEED", 5);
  MESSAGE("OUTRIDER_SEED=" << seed);
  return seed;
}

std::uint64_t scaled(std::uint64_t count) { return count * from_environment("OUTRIDER_CRASH_SCALE", 1); }

TEST_CASE("outbox: long random scripts agree with a simple model, with room and without") {
  silence();
  const std::uint64_t seed = first_seed();
  Tally tally;
  for (std::uint64_t i = 0; i < scaled(20); ++i) {
    check(make_script(seed + i, 300, i % 2 == 0 ? kRoomy : kTight, kNoFaults), tally);
  }
  CHECK(tally.evicted > 0);
  CHECK(tally.expired > 0);
  CHECK(tally.buried > 0);
  CHECK(tally.requeued > 0);
}

TEST_CASE(
    "outbox: random scripts agree with a simple model through faults of the storage, kills and power cuts") {
  silence();
  const std::uint64_t seed = first_seed();
  Tally tally;
  for (std::uint64_t i = 0; i < scaled(200); ++i)
    check(make_script(seed + i, 60, i % 2 == 0 ? kRoomy : kTight, kEverything), tally);
  CHECK(tally.crashes > scaled(50));
  CHECK(tally.failed_commits > scaled(10));
}

TEST_CASE("outbox: scripts that found a hole once agree with the model") {
  silence();
  Tally tally;
  // A log whose sync had failed was all that could mend pages that were torn while it moved into the file.
  for (const std::uint64_t seed : {990813640U, 3153282041U})
    check(make_script(seed, 60, kRoomy, kEverything), tally);
  // A header of the log that was written by half: the log before looked like a part of the one that began over it.
  check(make_script(2706629408, 60, kTight, kEverything), tally);
  for (const std::uint64_t bytes : {kRoomy, kTight})
    check(make_script(147677495, 60, bytes, kEverything), tally);
  CHECK(tally.crashes > 0);
}

TEST_CASE("outbox: the power may go at any write, sync or truncation of a short script") {
  silence();
  const std::uint64_t seed = first_seed();
  Tally tally;
  for (std::uint64_t i = 0; i < scaled(2); ++i) {
    Script script = make_script(seed + i, 25, i % 2 == 0 ? kRoomy : kTight, kNoFaults);
    check(script, tally);
    const std::uint64_t changes = tally.changes;
    for (std::uint64_t k = 0; k < changes; ++k) {
      script.cut_at = k;
      check(script, tally);
    }
  }
  CHECK(tally.crashes > scaled(50));
}

TEST_CASE("outbox: this test notices what storage loses that lies about syncs") {
  silence();
  const std::uint64_t seed = first_seed();
  Tally tally;
  int noticed = 0;
  for (std::uint64_t i = 0; i < 30; ++i) {
    Script script = make_script(seed + i, 60, kRoomy, kEverything);
    script.ignores_syncs = true;
    if (complaint(script, tally)) ++noticed;
  }
  CHECK(noticed > 0);
}

}  // namespace
}  // namespace outrider
