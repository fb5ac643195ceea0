// SPDX-License-Identifier: Apache-2.0
#include "agent/command/number_ledger.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <set>

using namespace outrider;

TEST_CASE("number ledger: the first number is where a stream starts") {
  NumberLedger ledger(false);
  CHECK(ledger.take({40, 40}).fresh == 1);
  CHECK(ledger.gaps() == 0);
}

TEST_CASE("number ledger: told to start at one, everything before the first number is missing") {
  NumberLedger ledger(true);
  CHECK_FALSE(ledger.take({4, 4}).is_out_of_order);
  CHECK(ledger.gaps() == 1);
  CHECK(ledger.missing() == 3);
}

TEST_CASE("number ledger: an overtaken range is a gap until it is filled, and filling it is disorder") {
  NumberLedger ledger(false);
  ledger.take({1, 1});
  CHECK_FALSE(ledger.take({5, 5}).is_out_of_order);
  CHECK(ledger.gaps() == 1);
  CHECK(ledger.missing() == 3);

  const NumberLedger::Arrival middle = ledger.take({3, 3});
  CHECK(middle.fresh == 1);
  CHECK(middle.is_out_of_order);
  CHECK(ledger.gaps() == 2);
  CHECK(ledger.missing() == 2);

  ledger.take({2, 2});
  ledger.take({4, 4});
  CHECK(ledger.gaps() == 0);
  CHECK(ledger.missing() == 0);
}

TEST_CASE("number ledger: what came before is a repeat, whatever its order") {
  NumberLedger ledger(false);
  ledger.take({1, 10});
  for (const std::int64_t seq : {1, 10, 5}) {
    const NumberLedger::Arrival again = ledger.take({seq, seq});
    CHECK(again.fresh == 0);
    CHECK_FALSE(again.is_out_of_order);
  }
}

TEST_CASE("number ledger: a range that begins with repeats and goes on is in order") {
  NumberLedger ledger(false);
  ledger.take({1, 10});
  const NumberLedger::Arrival longer = ledger.take({8, 20});
  CHECK(longer.fresh == 10);
  CHECK_FALSE(longer.is_out_of_order);
  CHECK(ledger.gaps() == 0);
}

TEST_CASE("number ledger: a number before the start moves the start and is disorder") {
  NumberLedger ledger(false);
  ledger.take({10, 10});
  CHECK(ledger.take({7, 7}).is_out_of_order);
  REQUIRE(ledger.first_gap());
  CHECK(ledger.first_gap()->first == 8);
  CHECK(ledger.first_gap()->last == 9);
}

TEST_CASE("number ledger: more holes than it keeps stay gaps, and their numbers stay missing") {
  NumberLedger ledger(false);
  const auto holes = static_cast<std::int64_t>(NumberLedger::kMaxHoles) + 5;
  for (std::int64_t number = 0; number <= holes; ++number) ledger.take({1 + 2 * number, 1 + 2 * number});
  CHECK(ledger.gaps() == NumberLedger::kMaxHoles + 5);
  CHECK(ledger.missing() == NumberLedger::kMaxHoles + 5);
  CHECK(ledger.take({2, 2}).fresh == 0);  // forgotten: no longer told from a repeat
}

TEST_CASE("number ledger: agrees with a plain set on random arrivals") {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    NumberLedger ledger(true);
    std::set<std::int64_t> arrived;
    for (int step = 0; step < 40; ++step) {
      const std::int64_t first = 1 + static_cast<std::int64_t>(random() % 60);
      const std::int64_t last = first + static_cast<std::int64_t>(random() % 6);
      const std::int64_t highest = arrived.empty() ? 0 : *arrived.rbegin();
      std::uint64_t fresh = 0;
      bool is_out_of_order = false;
      for (std::int64_t number = first; number <= last; ++number) {
        if (!arrived.insert(number).second) continue;
        ++fresh;
        is_out_of_order = is_out_of_order || number < highest;
      }
      const NumberLedger::Arrival arrival = ledger.take({first, last});
      REQUIRE(arrival.fresh == fresh);
      REQUIRE(arrival.is_out_of_order == is_out_of_order);
      std::uint64_t gaps = 0;
      for (std::int64_t number = 1; number <= *arrived.rbegin(); ++number)
        gaps += static_cast<std::uint64_t>(!arrived.contains(number) &&
                                           (number == 1 || arrived.contains(number - 1)));
      REQUIRE(ledger.gaps() == gaps);
      REQUIRE(ledger.missing() == static_cast<std::uint64_t>(*arrived.rbegin()) - arrived.size());
    }
  }
}
