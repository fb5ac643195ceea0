// SPDX-License-Identifier: Apache-2.0
// A broker that does what it should not, chosen at random; the model is a consumer that has each number, or a gap
// record for it.
#include <doctest/doctest.h>

#include <random>

#include "tests/unit/publish/publisher_rig.h"

using namespace outrider;

namespace {

using Answer = MemoryBroker::Answer;
using Kind = Answer::Kind;

struct Attack {
  const char* name = "";
  double lost_answer = 0;  ///< Share of messages.
  double refusal = 0;
  double close = 0;
  int code = 0;
  bool answers_twice = false;
  bool answers_backwards = false;
  std::size_t answers_per_turn = 1000;
  std::uint32_t receive_maximum = 65'535;
  bool has_poison =
      false;  ///< Rows that it never takes: refused with `code`, or ending the connection when that is 0.
};

constexpr Attack kAttacks[] = {
    {.name = "lost acknowledgements", .lost_answer = 0.2},
    {.name = "acknowledgements twice", .answers_twice = true},
    {.name = "acknowledgements backwards", .answers_backwards = true},
    {.name = "one acknowledgement a turn", .answers_per_turn = 1},
    {.name = "Receive Maximum 1", .receive_maximum = 1},
    {.name = "quota now and then", .refusal = 0.1, .code = 0x97},
    {.name = "ends connections", .close = 0.1},
    {.name = "refuses rows", .code = 0x99, .has_poison = true},
    {.name = "ends connections for rows", .has_poison = true},
    {.name = "everything at once",
     .lost_answer = 0.02,
     .refusal = 0.05,
     .close = 0.02,
     .code = 0x99,
     .answers_twice = true,
     .answers_per_turn = 7,
     .receive_maximum = 5,
     .has_poison = true},
};

Answer answer_of(const Attack& attack, const MemoryBroker::Record& record, std::mt19937& random) {
  if (attack.has_poison && record.payload.find("POISON") != std::string::npos)
    return attack.code == 0 ? Answer{Kind::kClose} : Answer{Kind::kRefuse, attack.code};
  const double draw = std::uniform_real_distribution<double>(0, 1)(random);
  if (draw < attack.close) return {Kind::kClose, 0x8B};
  if (draw < attack.close + attack.refusal) return {Kind::kRefuse, 0x97};
  if (draw < attack.close + attack.refusal + attack.lost_answer) return {Kind::kAcceptSilently};
  return {};
}

void withstand(const Attack& attack, unsigned seed) {
  CAPTURE(attack.name);
  CAPTURE(seed);
  std::mt19937 random(seed);
  PublishConfig config;
  config.max_message = 1000;
  config.backoff.cap = seconds(20);
  PublisherRig rig(config, 20'000);
  rig.broker.is_automatic = true;
  rig.broker.answers_twice = attack.answers_twice;
  rig.broker.answers_backwards = attack.answers_backwards;
  rig.broker.answers_per_turn = attack.answers_per_turn;
  rig.broker.limits.receive_maximum = attack.receive_maximum;
  rig.broker.judge = [&](const MemoryBroker::Record& record) { return answer_of(attack, record, random); };
  rig.publisher->set_status("v1", "{\"rows\":[]}");
  std::set<StreamIndex> streams{rig.telemetry, rig.events, rig.other};
  for (int second = 0; second < 40; ++second) {
    for (const StreamIndex stream : streams) {
      rig.store(stream, static_cast<int>(random() % 4), random() % 600);
      if (attack.has_poison && random() % 20 == 0) rig.store_marked(stream, "POISON");
    }
    rig.run(seconds(1));
  }
  REQUIRE(rig.drain(std::chrono::hours(24)));
  for (const StreamIndex stream : streams) rig.check_complete(stream);
  const bool may_bury = attack.has_poison;
  if (!may_bury) CHECK(rig.publisher->counters().buried == 0);
  if (attack.refusal > 0 || may_bury) return;
  for (const char* stream : {"v1/telemetry", "v1/events", "v2/telemetry"})
    CHECK(rig.consumed(stream).overtaken == 0);
}

}  // namespace

TEST_CASE("publisher: whatever the broker does, each number arrives or has a gap record") {
  for (const Attack& attack : kAttacks)
    for (unsigned seed = 1; seed <= 3; ++seed) withstand(attack, seed);
}
