// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/pace.h"

#include <doctest/doctest.h>

using namespace outrider;

namespace {

constexpr BootTime kStart{seconds(1000)};

PublishConfig limited(std::optional<std::uint32_t> messages, std::optional<std::uint64_t> bytes = {}) {
  PublishConfig config;
  config.max_messages_per_second = messages;
  config.max_bytes_per_second = bytes;
  return config;
}

/// Messages of `bytes` that go out within `length` when the loop turns every `turn` and always has more.
int sent_within(Pace& pace, nanoseconds length, milliseconds turn, std::size_t bytes = 1,
                BootTime from = kStart) {
  int sent = 0;
  for (BootTime now = from; now < from + length; now += turn) {
    for (; pace.allows_message(now) && sent < 1'000'000; ++sent) pace.sent(now, bytes);
  }
  return sent;
}

}  // namespace

TEST_CASE("token bucket: gives what flows in, saves no more than its burst, and goes into debt") {
  TokenBucket bucket(10, 5);
  CHECK(bucket.has(kStart, 5));
  bucket.spend(kStart, 4);
  CHECK(bucket.has(kStart, 1));
  CHECK_FALSE(bucket.has(kStart, 2));
  CHECK(bucket.has(kStart + milliseconds(100), 2));
  CHECK(bucket.has(kStart + seconds(100), 5));
  CHECK(bucket.has(kStart + seconds(100), 50));  // more than it can ever hold: a full one has to do
  bucket.spend(kStart + seconds(100), 50);
  CHECK_FALSE(bucket.has(kStart + milliseconds(104'400), 0));
  CHECK(bucket.has(kStart + milliseconds(104'600), 1));
}

TEST_CASE("pace: without limits everything goes at once") {
  Pace pace(limited({}));
  CHECK(sent_within(pace, milliseconds(1), milliseconds(50)) == 1'000'000);
}

TEST_CASE("pace: a rate is reached with turns of 50 ms, and with a loop that is held up for 200 ms") {
  for (const milliseconds turn : {milliseconds(1), milliseconds(50), milliseconds(200)}) {
    for (const std::uint32_t rate : {1U, 7U, 70U, 1000U}) {
      CAPTURE(turn.count());
      CAPTURE(rate);
      Pace pace(limited(rate));
      const int sent = sent_within(pace, seconds(100), turn);
      CHECK(sent >= static_cast<int>(rate) * 99);
      CHECK(sent <= static_cast<int>(rate) * 101 + 1);
    }
  }
}

TEST_CASE("pace: after a rest no second has more than five quarters of the rate") {
  Pace pace(limited(70));
  CHECK(sent_within(pace, seconds(1), milliseconds(50), 1, kStart + seconds(3600)) <= 88);
}

TEST_CASE("pace: bytes are limited on average, also by messages larger than a second's worth") {
  for (const std::size_t bytes :
       {std::size_t{100}, std::size_t{1000}, std::size_t{64'000}, std::size_t{500'000}}) {
    CAPTURE(bytes);
    Pace pace(limited({}, 10'000));
    const auto sent =
        static_cast<std::size_t>(sent_within(pace, seconds(1000), milliseconds(50), bytes)) * bytes;
    CHECK(sent >= 9'900'000);
    CHECK(sent <= 10'000'000 + 2'500 + bytes);
  }
}

TEST_CASE("pace: both limits hold, whichever is narrower") {
  Pace few(limited(5, 1'000'000));
  CHECK(sent_within(few, seconds(100), milliseconds(50), 100) <= 502);
  Pace light(limited(1000, 1000));
  CHECK(sent_within(light, seconds(100), milliseconds(50), 100) <= 1004);
}
