// SPDX-License-Identifier: Apache-2.0
#include "agent/status/forecast.h"

#include <doctest/doctest.h>

using namespace outrider;

namespace {

constexpr std::uint64_t kMiB = 1U << 20U;

/// Seconds of flow, noted once a second.
struct Flowing {
  void flow(int length, double in_bytes, double out_bytes, int sampled = 0, int delivered = 0) {
    for (int i = 0; i < length; ++i) {
      now += seconds(1);
      stored += in_bytes;
      waiting = std::max(0.0, waiting + in_bytes - out_bytes);
      samples += static_cast<std::uint64_t>(sampled);
      arrived += static_cast<std::uint64_t>(delivered);
      note();
    }
  }
  void note() {
    forecast.note(now, {.sampled = samples,
                        .delivered = arrived,
                        .stored_bytes = static_cast<std::uint64_t>(stored),
                        .waiting_bytes = static_cast<std::uint64_t>(waiting)});
  }

  Forecast forecast;
  BootTime now{kHour};
  static constexpr std::chrono::hours kHour{1};
  double stored = 0;
  double waiting = 0;
  std::uint64_t samples = 0;
  std::uint64_t arrived = 0;
};

constexpr nanoseconds kOld = seconds(600);

}  // namespace

TEST_CASE(
    "smoothed rate: a steady total has its rate from the first figure on, however uneven the looks at it") {
  SmoothedRate rate(seconds(300), seconds(30));
  BootTime now{seconds(5)};
  for (const int step_ms : {1000, 1, 29'000, 500, 7000, 59'999}) {
    rate.note(now, 10.0 * std::chrono::duration<double>(now.time_since_epoch()).count());
    now += milliseconds(step_ms);
  }
  rate.note(now, 10.0 * std::chrono::duration<double>(now.time_since_epoch()).count());
  REQUIRE(rate.per_second());
  CHECK(*rate.per_second() == doctest::Approx(10));
}

TEST_CASE(
    "smoothed rate: there is none until there is enough history, and a second look at one moment is no "
    "history") {
  SmoothedRate rate(seconds(30), seconds(10));
  CHECK_FALSE(rate.per_second());
  for (int i = 0; i <= 9; ++i) rate.note(BootTime(seconds(i)), i);
  for (int i = 0; i < 100; ++i) rate.note(BootTime(seconds(9)), 1000);
  CHECK_FALSE(rate.per_second());
  rate.note(BootTime(seconds(10)), 10);
  REQUIRE(rate.per_second());
  CHECK(*rate.per_second() == doctest::Approx(1));
}

TEST_CASE("smoothed rate: the time a device slept is not a time in which nothing came") {
  SmoothedRate rate(seconds(30), seconds(10));
  for (int i = 0; i <= 60; ++i) rate.note(BootTime(seconds(i)), 100.0 * i);
  const BootTime awake{std::chrono::hours(8)};
  rate.note(awake, 6000);
  CHECK(*rate.per_second() == doctest::Approx(100));
  rate.note(awake + seconds(1), 6100);
  CHECK(*rate.per_second() == doctest::Approx(100));
}

TEST_CASE("smoothed rate: a burst counts as what it is over the span, not as the new normal") {
  SmoothedRate rate(seconds(300), seconds(30));
  double total = 0;
  BootTime now{};
  for (int i = 0; i < 1200; ++i, now += seconds(1)) rate.note(now, total += 10);
  rate.note(now, total += 3000);  // a second at 300 times the rate
  CHECK(*rate.per_second() > 15);
  CHECK(*rate.per_second() < 25);
  for (int i = 0; i < 1200; ++i) rate.note(now += seconds(1), total += 10);
  CHECK(*rate.per_second() == doctest::Approx(10).epsilon(0.1));
}

TEST_CASE("autonomy: unknown at the start, then the room left by what comes in") {
  Flowing flowing;
  CHECK(flowing.forecast.autonomy(0, 100 * kMiB).state == Autonomy::State::kUnknown);
  flowing.flow(20, 1000, 1000);
  CHECK(flowing.forecast.autonomy(0, 100 * kMiB).state == Autonomy::State::kUnknown);
  flowing.flow(600, 1000, 1000);
  const Autonomy live = flowing.forecast.autonomy(4 * kMiB, 100 * kMiB);
  REQUIRE(live.state == Autonomy::State::kFilling);
  // 1000 bytes a second take at least that, and with pages that are not filled not twice as much.
  const double most = 96.0 * kMiB / 1000 / 3600;
  CHECK(live.hours <= most);
  CHECK(live.hours > most / 2);
}

TEST_CASE("autonomy: once much waits, what a byte takes of the file is what it took so far") {
  Flowing flowing;
  flowing.flow(2000, 2000, 0);  // 4 MB wait, and take 6 MiB
  const Autonomy offline = flowing.forecast.autonomy(6 * kMiB, 60 * kMiB);
  REQUIRE(offline.state == Autonomy::State::kFilling);
  const double bytes_per_hour = 2000.0 * 3600 * (6.0 * kMiB / 4'000'000);
  CHECK(offline.hours == doctest::Approx(54.0 * kMiB / bytes_per_hour).epsilon(0.01));
}

TEST_CASE("autonomy: it is right about a buffer that then fills at the same rate") {
  Flowing flowing;
  flowing.flow(3600, 1000, 0);
  const double density = 1.25;
  const auto used = [&] { return static_cast<std::uint64_t>(flowing.waiting * density); };
  constexpr std::uint64_t kLimit = 20'000'000;
  const Autonomy told = flowing.forecast.autonomy(used(), kLimit);
  int seconds_until_full = 0;
  while (used() < kLimit) {
    flowing.flow(1, 1000, 0);
    ++seconds_until_full;
  }
  CHECK(told.hours * 3600 == doctest::Approx(seconds_until_full).epsilon(0.02));
  CHECK(flowing.forecast.autonomy(used(), kLimit).state == Autonomy::State::kFull);
}

TEST_CASE("autonomy: a vehicle that is parked does not fill its buffer, and a full buffer is full at once") {
  Flowing flowing;
  flowing.flow(60, 0, 0);
  CHECK(flowing.forecast.autonomy(kMiB, 100 * kMiB).state == Autonomy::State::kNotFilling);
  CHECK(Forecast().autonomy(995 * kMiB, 1000 * kMiB).state == Autonomy::State::kFull);
  CHECK(Forecast().autonomy(20 * kMiB, 10 * kMiB).state == Autonomy::State::kFull);  // the disk became short
}

TEST_CASE(
    "autonomy: a full buffer stays full while evictions make a little room, and is not full once it is "
    "drained") {
  Flowing flowing;
  flowing.flow(60, 1000, 0);
  constexpr std::uint64_t kLimit = 100 * kMiB;
  const auto state_at = [&](std::uint64_t room) {
    flowing.forecast.note_room(kLimit - room, kLimit);
    return flowing.forecast.autonomy(kLimit - room, kLimit).state;
  };
  CHECK(state_at(2 * kMiB) == Autonomy::State::kFilling);
  CHECK(state_at(kMiB / 2) == Autonomy::State::kFull);
  for (int eviction = 0; eviction < 5; ++eviction) {
    CHECK(state_at(2 * kMiB) == Autonomy::State::kFull);
    CHECK(state_at(0) == Autonomy::State::kFull);
  }
  CHECK(state_at(5 * kMiB) == Autonomy::State::kFilling);
  CHECK(state_at(2 * kMiB) == Autonomy::State::kFilling);
}

TEST_CASE("drain: nothing waits when there is no row, or it is on its way") {
  Flowing flowing;
  flowing.flow(60, 1000, 0);
  CHECK(flowing.forecast.drain(std::nullopt).state == Drain::State::kNone);
  CHECK(flowing.forecast.drain(seconds(1)).state == Drain::State::kNone);
}

TEST_CASE("drain: unknown at the start, never while more comes in than goes out") {
  Flowing flowing;
  flowing.waiting = 1e6;
  flowing.note();
  CHECK(flowing.forecast.drain(kOld).state == Drain::State::kUnknown);
  flowing.flow(60, 1000, 1000);
  CHECK(flowing.forecast.drain(kOld).state == Drain::State::kNever);
  flowing.flow(60, 1000, 500);
  CHECK(flowing.forecast.drain(kOld).state == Drain::State::kNever);
}

TEST_CASE("drain: when the link is back it is known within two minutes, and right") {
  Flowing flowing;
  flowing.flow(3600, 1000, 0);
  CHECK(flowing.forecast.drain(kOld).state == Drain::State::kNever);
  flowing.flow(120, 1000, 6000);  // net 5000 a second
  const Drain draining = flowing.forecast.drain(kOld);
  REQUIRE(draining.state == Drain::State::kDraining);
  CHECK(draining.minutes == doctest::Approx(3'000'000.0 / 5000 / 60).epsilon(0.1));
}

TEST_CASE("forecast: samples in and out are told apart") {
  Flowing flowing;
  flowing.flow(120, 0, 0, 50, 20);
  CHECK(*flowing.forecast.sampled_per_second() == doctest::Approx(50));
  CHECK(*flowing.forecast.delivered_per_second() == doctest::Approx(20));
}
