// SPDX-License-Identifier: Apache-2.0
// What the simulated devices say, through our own DBC files, and what the agent's decoder hears.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "agent/decode/decoder.h"
#include "agent/decode/frame_encoder.h"
#include "platform/simulated/simulated_bus.h"
#include "tests/support/manual_clock.h"

namespace outrider {
namespace {

std::shared_ptr<const Dbc> dbc_of(SimulatedModel model) {
  const std::string name =
      model == SimulatedModel::kVehicle ? "outrider_vehicle.dbc" : "outrider_machine.dbc";
  Result<Dbc> loaded = load_dbc(std::string(OUTRIDER_CONFIG_DIR) + "/" + name, true);
  if (!loaded) FAIL(loaded.error().text);
  return std::make_shared<const Dbc>(std::move(*loaded));
}

const DbcMessage* find_message(const Dbc& dbc, std::string_view name) {
  const auto found = std::find_if(dbc.messages.begin(), dbc.messages.end(),
                                  [&](const DbcMessage& message) { return message.name == name; });
  return found == dbc.messages.end() ? nullptr : &*found;
}

/// Half of a signal's last digit, times a little for the arithmetic.
double tolerance_of(const DbcMessage& message, std::string_view signal) {
  const auto found = std::find_if(message.signals.begin(), message.signals.end(),
                                  [&](const DbcSignal& known) { return known.name == signal; });
  REQUIRE(found != message.signals.end());
  return 0.5001 * found->factor.value;
}

}  // namespace

TEST_CASE("simulated dbc: our files load without a warning and use both byte orders and both id lengths") {
  for (const SimulatedModel model : {SimulatedModel::kVehicle, SimulatedModel::kMachine}) {
    const std::shared_ptr<const Dbc> dbc = dbc_of(model);
    CHECK(dbc->warnings.empty());
    std::set<ByteOrder> orders;
    for (const DbcMessage& message : dbc->messages) {
      CHECK(message.name.size() <= 32);
      CHECK_FALSE(message.comment.empty());
      CHECK_FALSE(message.is_j1939);
      for (const DbcSignal& signal : message.signals) {
        CAPTURE(signal.name);
        CHECK(signal.name.size() <= 32);
        CHECK_FALSE(signal.comment.empty());
        CHECK(signal.factor.is_exact);
        orders.insert(signal.order);
      }
    }
    CHECK(orders.size() == 2);
  }
  const std::shared_ptr<const Dbc> vehicle = dbc_of(SimulatedModel::kVehicle);
  REQUIRE(find_message(*vehicle, "PositionDetail") != nullptr);
  CHECK(find_message(*vehicle, "PositionDetail")->is_extended);
  CHECK_FALSE(find_message(*vehicle, "Position")->is_extended);
}

TEST_CASE("simulated dbc: the cycle times of the files are those of the devices") {
  for (const SimulatedModel model : {SimulatedModel::kVehicle, SimulatedModel::kMachine}) {
    const std::shared_ptr<const Dbc> dbc = dbc_of(model);
    CHECK(dbc->messages.size() == plan_of(model).size());
    for (const MessagePlan& plan : plan_of(model)) {
      CAPTURE(std::string(plan.name));
      const DbcMessage* message = find_message(*dbc, plan.name);
      REQUIRE(message != nullptr);
      CHECK(message->cycle_time_ms == plan.period.count());
    }
  }
}

TEST_CASE("simulated dbc: every signal of the files is sent, and comes back as the value that went in") {
  for (const SimulatedModel model : {SimulatedModel::kVehicle, SimulatedModel::kMachine}) {
    const std::shared_ptr<const Dbc> dbc = dbc_of(model);
    const DbcFrameEncoder encoder({dbc});
    Decoder decoder({dbc}, IdMatching::kAuto, [](const DbcMessage&, const DbcSignal&) { return true; });
    CHECK(decoder.warnings().empty());
    SimulatedDevice device(model, 7);
    std::vector<FrameEncoder::SignalValue> sent;
    for (int i = 0; i < 3000; ++i) {
      device.step(milliseconds(100));
      for (std::size_t number = 0; number < plan_of(model).size(); ++number) {
        device.signals_of(number, sent);
        const std::optional<CanFrame> frame = encoder.encode(plan_of(model)[number].name, sent);
        REQUIRE(frame);
        const DecodedFrame decoded = decoder.decode(*frame);
        REQUIRE(decoded.message >= 0);
        const DbcMessage& message = decoder.message(decoded.message);
        REQUIRE(message.signals.size() == sent.size());
        REQUIRE(decoded.values.size() == sent.size());
        for (const DecodedValue& value : decoded.values) {
          const std::string& name = decoder.slot(value.slot).signal->name;
          const auto went_in =
              std::find_if(sent.begin(), sent.end(), [&](const auto& s) { return s.name == name; });
          REQUIRE(went_in != sent.end());
          REQUIRE(std::abs(value.value - went_in->value) <= tolerance_of(message, name));
        }
      }
    }
  }
}

TEST_CASE("simulated dbc: a fleet on one encoder is decoded bus by bus") {
  const std::shared_ptr<const Dbc> dbc = dbc_of(SimulatedModel::kVehicle);
  const DbcFrameEncoder encoder({dbc});
  ManualClock clock;
  SimulatedBus bus({.devices = 3, .length = seconds(30)}, encoder, clock,
                   [&clock](nanoseconds length) { clock.advance(length); });
  Decoder decoder({dbc}, IdMatching::kAuto, [](const DbcMessage&, const DbcSignal&) { return true; });
  std::vector<CanFrame> frames;
  while (true) {
    const Result<CanPort::Feed> feed = bus.receive(frames, milliseconds(100));
    REQUIRE(feed);
    if (*feed == CanPort::Feed::kEnded) break;
  }
  std::map<std::uint16_t, int> matched;
  for (const CanFrame& frame : frames) {
    if (decoder.decode(frame).message >= 0) ++matched[frame.bus];
  }
  REQUIRE(matched.size() == 3);
  for (const auto& [number, count] : matched) CHECK(count == 30 * 78);
}

}  // namespace outrider
