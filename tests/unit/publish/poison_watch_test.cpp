// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/poison_watch.h"

#include <doctest/doctest.h>

#include <vector>

using namespace outrider;

namespace {

using Verdict = PoisonWatch::Verdict;
using InFlight = PoisonWatch::InFlight;

constexpr StreamIndex kStream = 3;

InFlight in_flight(Sequence first, Sequence last, std::size_t messages = 1, StreamIndex stream = kStream) {
  return {.stream = stream,
          .oldest = {.first = first, .last = last, .rows = static_cast<std::uint32_t>(last - first + 1)},
          .messages = messages};
}

struct Connection {
  bool has_answer = true;
  bool by_broker = true;
  bool has_more = false;
};

/// One connection that ended with these in flight.
Verdict lose(PoisonWatch& watch, const std::vector<InFlight>& lost, Connection how = {}) {
  watch.connected();
  if (how.has_answer) watch.answered();
  return watch.lost(how.by_broker, lost, how.has_more).verdict;
}

/// A watch that suspects row 7, which was alone in flight; nothing is proved yet.
PoisonWatch suspicious() {
  PoisonWatch watch;
  for (int i = 0; i < 3; ++i) CHECK(lose(watch, {in_flight(7, 7, 5)}) == Verdict::kInnocent);
  CHECK(watch.window() == 1);
  CHECK(watch.suspects(kStream));
  return watch;
}

}  // namespace

TEST_CASE("poison watch: three ends by the broker with the same rows in flight make it careful") {
  PoisonWatch watch;
  (void)lose(watch, {in_flight(1, 8, 9)});
  (void)lose(watch, {in_flight(1, 8, 9)});
  CHECK(watch.window() == PoisonWatch::kNoLimit);
  (void)lose(watch, {in_flight(1, 8, 9)});
  CHECK(watch.window() == 1);
  CHECK(watch.is_careful());
}

TEST_CASE("poison watch: a link that gets rows through between its ends is only a bad link") {
  PoisonWatch watch;
  for (Sequence first = 1; first < 100; first += 10) {
    CHECK(lose(watch, {in_flight(first, first + 9, 4)}) == Verdict::kInnocent);
    watch.accepted(kStream, first + 9);
  }
  CHECK_FALSE(watch.is_careful());
}

TEST_CASE("poison watch: what gets through on another stream clears only that one") {
  PoisonWatch watch;
  for (int i = 0; i < 3; ++i) {
    (void)lose(watch, {in_flight(1, 8), in_flight(1 + i, 1 + i, 1, 4)});
    watch.accepted(4, 1 + i);
  }
  CHECK(watch.suspects(kStream));
  CHECK_FALSE(watch.suspects(4));
}

TEST_CASE("poison watch: the network's and our own ends prove nothing") {
  PoisonWatch watch;
  for (int i = 0; i < 20; ++i)
    CHECK(lose(watch, {in_flight(1, 1)}, {.by_broker = false}) == Verdict::kInnocent);
  CHECK_FALSE(watch.is_careful());
}

TEST_CASE("poison watch: a message of many rows is narrowed, a row alone is poison after three proofs") {
  PoisonWatch watch;
  for (int i = 0; i < 2; ++i) CHECK(lose(watch, {in_flight(1, 8)}) == Verdict::kInnocent);
  CHECK(lose(watch, {in_flight(1, 8)}) == Verdict::kNarrow);
  CHECK(lose(watch, {in_flight(1, 4)}) == Verdict::kNarrow);
  watch.accepted(kStream, 2);
  CHECK(watch.suspects(kStream));  // one of 3..4 it must be
  CHECK(lose(watch, {in_flight(3, 3)}) == Verdict::kInnocent);
  CHECK(lose(watch, {in_flight(3, 3)}) == Verdict::kInnocent);
  CHECK(lose(watch, {in_flight(3, 3)}) == Verdict::kPoison);
}

TEST_CASE("poison watch: a connection on which nothing else was answered is no proof") {
  PoisonWatch watch = suspicious();
  for (int i = 0; i < 20; ++i)
    CHECK(lose(watch, {in_flight(7, 7)}, {.has_answer = false}) == Verdict::kInnocent);
}

TEST_CASE("poison watch: a row that was not alone in flight is not proved") {
  PoisonWatch watch = suspicious();
  for (int i = 0; i < 20; ++i) {
    CHECK(lose(watch, {in_flight(7, 7, 2)}) == Verdict::kInnocent);
    CHECK(lose(watch, {in_flight(7, 7), in_flight(1, 1, 1, 4)}) == Verdict::kInnocent);
    CHECK(lose(watch, {in_flight(7, 7)}, {.has_more = true}) == Verdict::kInnocent);
  }
}

TEST_CASE("poison watch: any other end of the connection begins the count of proofs anew") {
  for (const Connection other : {Connection{.has_answer = false}, Connection{.by_broker = false}}) {
    PoisonWatch watch = suspicious();
    CHECK(lose(watch, {in_flight(7, 7)}) == Verdict::kInnocent);
    CHECK(lose(watch, {in_flight(7, 7)}) == Verdict::kInnocent);
    CHECK(lose(watch, {in_flight(7, 7)}, other) == Verdict::kInnocent);
    CHECK(lose(watch, {in_flight(7, 7)}) == Verdict::kInnocent);
    CHECK(lose(watch, {in_flight(7, 7)}) == Verdict::kInnocent);
    CHECK(lose(watch, {in_flight(7, 7)}) == Verdict::kPoison);
  }
}

TEST_CASE("poison watch: the window stays narrow while rows are suspected and doubles after that") {
  PoisonWatch watch = suspicious();
  watch.accepted(4, 100);
  CHECK(watch.window() == 1);
  watch.accepted(kStream, 7);
  CHECK(watch.window() == 2);
  watch.accepted(4, 101);
  CHECK(watch.window() == 4);
  for (int i = 0; i < 20; ++i) watch.accepted(4, 102 + i);
  CHECK_FALSE(watch.is_careful());
}
