// SPDX-License-Identifier: Apache-2.0
#include "agent/select/selection.h"

#include <doctest/doctest.h>

#include <memory>

using namespace outrider;

namespace {

constexpr const char* kTwoMessages = R"(VERSION ""
BO_ 256 Engine: 8 ECU
 SG_ Speed : 0|16@1+ (1,0) [0|0] "rpm" ECU
 SG_ Temp : 16|8@1- (1,0) [0|0] "degC" ECU
 SG_ Counter : 24|8@1+ (1,0) [0|0] "" ECU
BO_ 257 Body: 8 ECU
 SG_ Door : 0|1@1+ (1,0) [0|0] "" ECU
 SG_ Counter : 8|8@1+ (1,0) [0|0] "" ECU
)";

// EEC1 with placeholder address, as published J1939 files write it.
constexpr const char* kJ1939 = R"(VERSION ""
BO_ 2364540158 EEC1: 8 Vector__XXX
 SG_ EngineSpeed : 24|16@1+ (0.125,0) [0|8031.875] "rpm" Vector__XXX
BA_DEF_ BO_ "VFrameFormat" ENUM "StandardCAN","ExtendedCAN","reserved","J1939PG";
BA_DEF_DEF_ "VFrameFormat" "J1939PG";
)";

BootTime ms(int value) { return BootTime(milliseconds(value)); }

/// A selection over one bus with the decoder it needs, and short ways to feed it.
struct Rig {
  Rig(const char* dbc, std::vector<SignalRule> with_rules) : rules(std::move(with_rules)) {
    auto parsed = parse_dbc(dbc, "test.dbc");
    REQUIRE(parsed);
    files = {std::make_shared<const Dbc>(std::move(*parsed))};
    decoder =
        std::make_unique<Decoder>(files, IdMatching::kAuto, [this](const auto& message, const auto& signal) {
          return Selection::is_wanted(rules, message, signal);
        });
    selection = std::make_unique<Selection>(rules, std::vector<Selection::Bus>{{"can0", decoder.get()}});
  }

  void frame(int at_ms, std::uint32_t id, std::vector<std::uint8_t> bytes, bool is_extended = false) {
    CanFrame frame{.time = ms(at_ms), .id = id, .length = static_cast<std::uint8_t>(bytes.size())};
    if (is_extended) frame.flags = CanFrame::kExtended;
    std::copy(bytes.begin(), bytes.end(), frame.data.begin());
    const DecodedFrame decoded = decoder->decode(frame);
    if (decoded.message >= 0) selection->select(0, decoded, frame.time, kept);
  }
  void engine(int at_ms, int rpm, int temp = 0) {
    frame(at_ms, 256,
          {static_cast<std::uint8_t>(rpm), static_cast<std::uint8_t>(rpm >> 8),
           static_cast<std::uint8_t>(temp), 0, 0, 0, 0, 0});
  }
  /// "name@ms=value …" of what was kept since the last call.
  std::string taken() {
    std::string text;
    for (const Sample& sample : kept) {
      if (!text.empty()) text += ' ';
      text +=
          selection->series()[sample.series].name + "@" +
          std::to_string(std::chrono::duration_cast<milliseconds>(sample.time.time_since_epoch()).count()) +
          "=" + std::to_string(static_cast<int>(sample.value));
    }
    kept.clear();
    return text;
  }

  std::vector<SignalRule> rules;
  std::vector<std::shared_ptr<const Dbc>> files;
  std::unique_ptr<Decoder> decoder;
  std::unique_ptr<Selection> selection;
  std::vector<Sample> kept;
};

SignalRule only(const char* signal) { return {.message = "Engine", .signal = signal}; }

}  // namespace

TEST_CASE("selection: on change keeps the first value and then only different ones") {
  Rig rig(kTwoMessages, {only("Speed")});
  rig.engine(0, 700);
  rig.engine(200, 700);
  rig.engine(400, 710);
  CHECK(rig.taken() == "Speed@0=700 Speed@400=710");
}

TEST_CASE("selection: changes inside the minimum interval wait, and the newest one is not lost") {
  Rig rig(kTwoMessages, {only("Speed")});
  rig.engine(0, 700);
  rig.engine(20, 710);
  rig.engine(40, 720);
  CHECK(rig.taken() == "Speed@0=700");
  rig.selection->flush_pending(ms(99), rig.kept);
  CHECK(rig.taken().empty());
  rig.selection->flush_pending(ms(100), rig.kept);
  CHECK(rig.taken() == "Speed@40=720");
  rig.selection->flush_pending(ms(1000), rig.kept);
  CHECK(rig.taken().empty());
}

TEST_CASE("selection: a fresh frame at the end of the interval replaces the one that waited") {
  Rig rig(kTwoMessages, {only("Speed")});
  for (int i = 0; i <= 10; ++i) rig.engine(i * 20, 700 + i);
  CHECK(rig.taken() == "Speed@0=700 Speed@100=705 Speed@200=710");
}

TEST_CASE("selection: a deadband lets small changes pass unkept, measured from the last kept value") {
  SignalRule rule = only("Speed");
  rule.deadband = 10;
  Rig rig(kTwoMessages, {rule});
  rig.engine(0, 700);
  rig.engine(200, 710);
  rig.engine(400, 711);
  rig.engine(600, 702);
  rig.engine(800, 700);
  CHECK(rig.taken() == "Speed@0=700 Speed@400=711 Speed@800=700");
}

TEST_CASE("selection: a period keeps values that stay, in phase") {
  SignalRule rule = only("Speed");
  rule.is_on_change = false;
  rule.period = milliseconds(100);
  Rig rig(kTwoMessages, {rule});
  for (int i = 0; i < 10; ++i) rig.engine(i * 30, 700 + i);  // 0, 30, … 270
  CHECK(rig.taken() == "Speed@0=700 Speed@120=704 Speed@210=707");
}

TEST_CASE("selection: on change plus a period is a heartbeat") {
  SignalRule rule = only("Speed");
  rule.period = milliseconds(1000);
  Rig rig(kTwoMessages, {rule});
  for (int i = 0; i <= 20; ++i) rig.engine(i * 100, i == 5 ? 800 : 700);
  CHECK(rig.taken() == "Speed@0=700 Speed@500=800 Speed@600=700 Speed@1000=700 Speed@2000=700");
}

TEST_CASE("selection: an invalid value is counted by name and never kept or clipped") {
  SignalRule rule = only("Temp");
  rule.valid_min = -40;
  rule.valid_max = 100;
  Rig rig(kTwoMessages, {rule});
  rig.engine(0, 0, 120);
  rig.engine(200, 0, 100);
  rig.engine(400, 0, 127);
  CHECK(rig.taken() == "Temp@200=100");
  std::string report;
  const auto note = [&](const std::string& name, std::uint64_t count) {
    report += name + std::to_string(count);
  };
  rig.selection->take_invalid(note);
  rig.selection->take_invalid(note);
  CHECK(report == "Temp2");
}

TEST_CASE("selection: the first rule that matches decides") {
  SignalRule dropped{.message = "*", .signal = "Counter", .is_dropped = true};
  SignalRule renamed = only("Speed");
  renamed.as = "engine_rpm";
  renamed.unit = "1/min";
  Rig rig(kTwoMessages, {dropped, renamed, SignalRule{}});
  std::string names;
  for (const SeriesInfo& info : rig.selection->series()) names += info.name + "[" + info.unit + "] ";
  CHECK(names == "engine_rpm[1/min] Temp[degC] Door[] ");
}

TEST_CASE("selection: names that two messages share are made longer, others stay short") {
  Rig rig(kTwoMessages, {SignalRule{}});
  std::string names;
  for (const SeriesInfo& info : rig.selection->series()) names += info.name + " ";
  CHECK(names == "Speed Temp Engine.Counter Door Body.Counter ");
  CHECK(rig.selection->series()[2].source == "Engine.Counter");
}

TEST_CASE("selection: J1939 senders are told apart by a tag, and a named sender needs none") {
  Rig tagged(kJ1939, {SignalRule{}});
  CHECK(tagged.selection->series().empty());
  tagged.frame(0, 0x0CF00400, {0, 0, 0, 0x40, 0x1F, 0, 0, 0}, true);  // 1000 rpm from address 0
  tagged.frame(5, 0x0CF00417, {0, 0, 0, 0x80, 0x3E, 0, 0, 0}, true);  // 2000 rpm from address 0x17
  tagged.frame(200, 0x18F00400, {0, 0, 0, 0, 0, 0, 0, 0}, true);      // other priority, same series
  CHECK(tagged.taken() == "EngineSpeed@00@0=1000 EngineSpeed@17@5=2000 EngineSpeed@00@200=0");

  SignalRule named{.signal = "EngineSpeed", .as = "engine_rpm", .source_address = 0x17};
  Rig one(kJ1939, {named});
  one.frame(0, 0x0CF00400, {0, 0, 0, 0x40, 0x1F, 0, 0, 0}, true);
  one.frame(5, 0x0CF00417, {0, 0, 0, 0x80, 0x3E, 0, 0, 0}, true);
  CHECK(one.taken() == "engine_rpm@5=2000");
}

TEST_CASE(
    "selection: senders of one group can have names of their own, and a rule without one keeps the "
    "signal's") {
  SignalRule front{.signal = "EngineSpeed", .as = "front_rpm", .source_address = 0x00};
  SignalRule rear{.signal = "EngineSpeed", .as = "rear_rpm", .source_address = 0x17};
  Rig rig(kJ1939, {front, rear, SignalRule{}});
  rig.frame(0, 0x0CF00400, {0, 0, 0, 0x40, 0x1F, 0, 0, 0}, true);
  rig.frame(5, 0x0CF00417, {0, 0, 0, 0x80, 0x3E, 0, 0, 0}, true);
  rig.frame(9, 0x0CF00431, {0, 0, 0, 0x80, 0x3E, 0, 0, 0}, true);
  CHECK(rig.taken() == "front_rpm@0=1000 rear_rpm@5=2000 EngineSpeed@31@9=2000");

  SignalRule named = only("Speed");
  named.as = "never_used";
  Rig shadowed(kTwoMessages, {only("Speed"), named});
  CHECK(shadowed.selection->series()[0].name == "Speed");
}

TEST_CASE("selection: two senders that rules name without names of their own are still told apart") {
  SignalRule front{.signal = "EngineSpeed", .source_address = 0x00};
  SignalRule rear{.signal = "EngineSpeed", .source_address = 0x17};
  Rig rig(kJ1939, {front, rear});
  rig.frame(0, 0x0CF00400, {0, 0, 0, 0x40, 0x1F, 0, 0, 0}, true);
  rig.frame(5, 0x0CF00417, {0, 0, 0, 0x80, 0x3E, 0, 0, 0}, true);
  CHECK(rig.taken() == "EngineSpeed@0=1000 EngineSpeed@17@5=2000");
}

TEST_CASE("selection: a log that was glued together starts its timers anew") {
  Rig rig(kTwoMessages, {only("Speed")});
  rig.engine(100'000, 700);
  rig.engine(0, 710);
  rig.engine(50, 720);
  CHECK(rig.taken() == "Speed@100000=700 Speed@0=710");
}

TEST_CASE("selection: a rule that matches nothing is said with its path") {
  SignalRule lost{.message = "Engin", .path = "signals[0]"};
  Rig rig(kTwoMessages, {lost});
  REQUIRE(rig.selection->warnings().size() == 1);
  CHECK(rig.selection->warnings()[0].find("signals[0]") != std::string::npos);
  CHECK(rig.selection->series().empty());
}
