// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/simulated_bus.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <string>

#include "tests/support/manual_clock.h"

namespace outrider {
namespace {

/// Numbers messages in the order of the plan; the data are the bytes of the first value.
class FakeEncoder final : public FrameEncoder {
 public:
  explicit FakeEncoder(SimulatedModel model = SimulatedModel::kVehicle,
                       std::set<std::string, std::less<>> unknown = {})
      : model_(model), unknown_(std::move(unknown)) {}

  std::optional<CanFrame> encode(std::string_view message,
                                 std::span<const SignalValue> values) const override {
    if (unknown_.contains(message)) return std::nullopt;
    const std::span<const MessagePlan> plan = plan_of(model_);
    CanFrame frame;
    frame.id = static_cast<std::uint32_t>(
        std::find_if(plan.begin(), plan.end(),
                     [&](const MessagePlan& known) { return known.name == message; }) -
        plan.begin());
    if (frame.id == plan.size()) return std::nullopt;
    frame.length = sizeof(double);
    std::memcpy(frame.data.data(), &values.front().value, sizeof(double));
    frame.bus = bus;
    return frame;
  }

  std::uint16_t bus = 0;

 private:
  SimulatedModel model_;
  std::set<std::string, std::less<>> unknown_;
};

/// A bus on a manual clock, whose waits turn the clock.
struct Bench {
  explicit Bench(const SimulatedBusOptions& options, FakeEncoder fake = FakeEncoder())
      : encoder(std::move(fake)), bus(options, encoder, clock, [this](nanoseconds length) {
          CHECK(length > nanoseconds::zero());
          ++waits;
          clock.advance(length);
        }) {}

  /// Receives until `length` has passed or the feed ends.
  std::vector<CanFrame> receive_for(nanoseconds length) {
    std::vector<CanFrame> frames;
    const BootTime end = clock.now() + length;
    while (clock.now() < end) {
      const Result<CanPort::Feed> feed = bus.receive(frames, milliseconds(100));
      REQUIRE(feed);
      has_ended = *feed == CanPort::Feed::kEnded;
      if (has_ended) break;
    }
    return frames;
  }

  ManualClock clock;
  FakeEncoder encoder;
  int waits = 0;
  bool has_ended = false;
  SimulatedBus bus;
};

bool is_same_frame(const CanFrame& left, const CanFrame& right) {
  return left.time == right.time && left.id == right.id && left.bus == right.bus && left.data == right.data;
}

}  // namespace

TEST_CASE("simulated bus: each message comes with its period, stamped when it was due") {
  Bench bench({.length = seconds(10)});
  const BootTime start = bench.clock.now();
  const std::vector<CanFrame> frames = bench.receive_for(seconds(20));
  CHECK(bench.has_ended);
  std::map<std::uint32_t, std::vector<BootTime>> times;
  for (const CanFrame& frame : frames) times[frame.id].push_back(frame.time);
  const std::span<const MessagePlan> plan = plan_of(SimulatedModel::kVehicle);
  REQUIRE(times.size() == plan.size());
  for (const auto& [message, stamps] : times) {
    CHECK(stamps.size() == static_cast<std::size_t>(seconds(10) / plan[message].period));
    CHECK(stamps.front() == start + plan[message].phase);
    for (std::size_t i = 1; i < stamps.size(); ++i)
      REQUIRE(stamps[i] - stamps[i - 1] == plan[message].period);
  }
  CHECK(std::is_sorted(frames.begin(), frames.end(),
                       [](const CanFrame& left, const CanFrame& right) { return left.time < right.time; }));
}

TEST_CASE("simulated bus: wakes up at most every five milliseconds however many frames there are") {
  Bench bench({.devices = 50, .length = seconds(2)});
  const std::vector<CanFrame> frames = bench.receive_for(seconds(3));
  CHECK(frames.size() > 50 * 140);
  CHECK(bench.waits <= 2000 / 5 + 2);
}

TEST_CASE("simulated bus: never hands over a frame before it is due") {
  Bench bench({.devices = 3});
  std::vector<CanFrame> frames;
  for (int i = 0; i < 200; ++i) {
    frames.clear();
    REQUIRE(bench.bus.receive(frames, milliseconds(100)));
    for (const CanFrame& frame : frames) REQUIRE(frame.time <= bench.clock.now());
  }
}

TEST_CASE("simulated bus: returns after the longest wait even though nothing is due") {
  Bench bench({}, FakeEncoder(SimulatedModel::kVehicle, {"VehicleMotion", "EngineState", "Position",
                                                         "FuelAndDistance", "PositionDetail"}));
  std::vector<CanFrame> frames;
  REQUIRE(bench.bus.receive(frames, milliseconds(100)));
  REQUIRE(frames.size() == 1);  // BodyState comes once a second
  const BootTime before = bench.clock.now();
  const Result<CanPort::Feed> feed = bench.bus.receive(frames, milliseconds(30));
  REQUIRE(feed);
  CHECK(*feed == CanPort::Feed::kOpen);
  CHECK(frames.size() == 1);
  CHECK(bench.clock.now() - before == milliseconds(30));
}

TEST_CASE("simulated bus: called late it catches up, in bounded batches, with the same frames") {
  Bench punctual({.devices = 2, .length = seconds(60)});
  const std::vector<CanFrame> expected = punctual.receive_for(seconds(61));

  Bench late({.devices = 2, .length = seconds(60)});
  std::vector<CanFrame> frames;
  REQUIRE(late.bus.receive(frames, milliseconds(0)));
  late.clock.advance(seconds(300));  // the collector waited for room
  bool has_ended = false;
  while (!has_ended) {
    const std::size_t before = frames.size();
    const Result<CanPort::Feed> feed = late.bus.receive(frames, milliseconds(100));
    REQUIRE(feed);
    CHECK(frames.size() - before <= 1000);
    has_ended = *feed == CanPort::Feed::kEnded;
  }
  CHECK(late.waits <= 1);
  REQUIRE(frames.size() == expected.size());
  // Both clocks start alike, so the stamps are equal, too.
  CHECK(std::equal(frames.begin(), frames.end(), expected.begin(), is_same_frame));
}

TEST_CASE("simulated bus: devices have their own buses and drive on their own") {
  FakeEncoder encoder;
  encoder.bus = 1;
  Bench bench({.devices = 3, .buses_per_device = 2, .length = seconds(30)}, encoder);
  std::map<std::uint16_t, std::vector<std::array<std::uint8_t, 64>>> data;
  for (const CanFrame& frame : bench.receive_for(seconds(31))) {
    if (frame.id == 0) data[frame.bus].push_back(frame.data);
  }
  REQUIRE(data.size() == 3);
  CHECK(data.contains(1));
  CHECK(data.contains(3));
  CHECK(data.contains(5));
  CHECK(data[1].size() == 1500);
  CHECK(data[1] != data[3]);
  CHECK(data[3] != data[5]);
}

TEST_CASE("simulated bus: the same seed gives the same frames, another one does not") {
  Bench first({.seed = 4, .length = seconds(20)});
  Bench again({.seed = 4, .length = seconds(20)});
  Bench other({.seed = 5, .length = seconds(20)});
  const std::vector<CanFrame> frames = first.receive_for(seconds(21));
  const std::vector<CanFrame> same = again.receive_for(seconds(21));
  const std::vector<CanFrame> different = other.receive_for(seconds(21));
  REQUIRE(frames.size() > 1000);
  CHECK(std::equal(frames.begin(), frames.end(), same.begin(), same.end(), is_same_frame));
  CHECK_FALSE(std::equal(frames.begin(), frames.end(), different.begin(), different.end(), is_same_frame));
}

TEST_CASE("simulated bus: ends at its time, not with its last frame") {
  Bench bench({.model = SimulatedModel::kMachine, .length = milliseconds(1990)},
              FakeEncoder(SimulatedModel::kMachine));
  const BootTime start = bench.clock.now();
  CHECK(bench.receive_for(seconds(10)).size() == 40 + 10 + 2);
  CHECK(bench.has_ended);
  CHECK(bench.clock.now() - start == milliseconds(1990));
}

TEST_CASE("simulated bus: messages that the DBC lacks are left out; when it lacks all, it says so") {
  Bench some({.length = seconds(1)}, FakeEncoder(SimulatedModel::kVehicle, {"VehicleMotion"}));
  for (const CanFrame& frame : some.receive_for(seconds(2))) CHECK(frame.id != 0);

  Bench none({.model = SimulatedModel::kVehicle}, FakeEncoder(SimulatedModel::kMachine));
  std::vector<CanFrame> frames;
  const Result<CanPort::Feed> feed = none.bus.receive(frames, milliseconds(10));
  REQUIRE_FALSE(feed);
  CHECK(feed.error().fault == Fault::kStop);
  CHECK(feed.error().text.find("outrider_vehicle.dbc") != std::string::npos);
}

TEST_CASE("simulated bus: it is a simulation, so frames wait and none overruns") {
  Bench bench({});
  CHECK(bench.bus.can_wait());
  CHECK(bench.bus.overruns(0) == 0);
}

}  // namespace outrider
