// SPDX-License-Identifier: Apache-2.0
#include "agent/store/epoch.h"

#include <doctest/doctest.h>

namespace outrider {
namespace {

constexpr std::uint64_t kRandom = 0x5F3A91C2;

EpochDecision decide(const std::optional<std::string>& file, const std::optional<Epoch>& database) {
  return decide_epoch(file, database, kRandom);
}

TEST_CASE("epoch: the text has the counter and eight hexadecimal digits") {
  CHECK(Epoch{7, 0x5F3A91C2}.text() == "7-5f3a91c2");
  CHECK(Epoch{1, 0xA}.text() == "1-0000000a");
}

TEST_CASE("epoch: what was written is read back, with or without a newline") {
  CHECK(parse_epoch("7-5f3a91c2") == Epoch{7, 0x5F3A91C2});
  CHECK(parse_epoch("7-5f3a91c2\n") == Epoch{7, 0x5F3A91C2});
}

TEST_CASE("epoch: damaged text is not an epoch") {
  for (const char* text : {"", "\n", "7", "7-", "-5f3a91c2", "7-5f3a91c", "7-5f3a91c2 ", "7-5f3a91cg",
                           "x-5f3a91c2", "0-5f3a91c2", "-7-5f3a91c2", "7-5f3a91c2\n\n",
                           "99999999999999999999-5f3a91c2", "18446744073709551615-5f3a91c2"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_epoch(text).has_value());
  }
}

TEST_CASE("epoch: the first life of a buffer has number 1") {
  const EpochDecision decision = decide(std::nullopt, std::nullopt);
  CHECK(decision.epoch.text() == "1-5f3a91c2");
  CHECK(decision.is_new);
  CHECK(decision.is_file_stale);
}

TEST_CASE("epoch: a new database goes on counting from the file") {
  const EpochDecision decision = decide("6-00000001\n", std::nullopt);
  CHECK(decision.epoch.counter == 7);
  CHECK(decision.is_new);
  CHECK(decision.is_file_stale);
}

TEST_CASE("epoch: an ordinary restart changes nothing") {
  const EpochDecision decision = decide("6-00000001\n", Epoch{6, 1});
  CHECK(decision.epoch == Epoch{6, 1});
  CHECK_FALSE(decision.is_new);
  CHECK_FALSE(decision.is_file_stale);
}

TEST_CASE("epoch: a missing file is written again from the database") {
  const EpochDecision decision = decide(std::nullopt, Epoch{6, 1});
  CHECK(decision.epoch == Epoch{6, 1});
  CHECK_FALSE(decision.is_new);
  CHECK(decision.is_file_stale);
}

TEST_CASE("epoch: a file that is behind the database is written again") {
  const EpochDecision decision = decide("5-00000001\n", Epoch{6, 1});
  CHECK(decision.epoch == Epoch{6, 1});
  CHECK_FALSE(decision.is_new);
  CHECK(decision.is_file_stale);
}

TEST_CASE("epoch: a database older than the file was restored, so numbers could repeat: the epoch moves on") {
  const EpochDecision decision = decide("9-00000001\n", Epoch{6, 1});
  CHECK(decision.epoch.counter == 10);
  CHECK(decision.is_new);
  CHECK(decision.is_file_stale);
}

TEST_CASE("epoch: file and database of two lives with the same number do not share it") {
  const EpochDecision decision = decide("6-00000002\n", Epoch{6, 1});
  CHECK(decision.epoch.counter == 7);
  CHECK(decision.is_new);
}

TEST_CASE("epoch: a damaged file begins a new epoch after that of the database") {
  CHECK(decide("\x01garbage", Epoch{6, 1}).epoch.counter == 7);
  CHECK(decide("\x01garbage", Epoch{6, 1}).is_new);
  CHECK(decide("", std::nullopt).epoch.counter == 1);
}

TEST_CASE("epoch: both halves of the random number count") {
  CHECK(decide_epoch(std::nullopt, std::nullopt, 1ULL << 32U).epoch.random == 1);
  CHECK(decide_epoch(std::nullopt, std::nullopt, 2).epoch.random == 2);
}

}  // namespace
}  // namespace outrider
