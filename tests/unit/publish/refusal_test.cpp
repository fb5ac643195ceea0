// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/refusal.h"

#include <doctest/doctest.h>

#include <vector>

using namespace outrider;

namespace {

using Step = RefusalPolicy::Step;

constexpr RowRange rows(Sequence first, Sequence last) {
  return {.first = first, .last = last, .rows = static_cast<std::uint32_t>(last - first + 1)};
}
constexpr RowRange gap(Sequence first, Sequence last) {
  return {.first = first, .last = last, .rows = 1, .is_gap = true};
}

/// How many refusals of this message it takes until a row is buried; 0 when none is, in a hundred.
int refusals_until_buried(Blame blame, const RowRange& message) {
  RefusalPolicy policy;
  RowLimit limit;
  for (int i = 1; i <= 100; ++i)
    if (policy.refused(blame, message, limit) == Step::kBury) return i;
  return 0;
}

}  // namespace

TEST_CASE("refusal: every reason code says what it is about") {
  CHECK(blame_of(0x97) == Blame::kNobody);
  CHECK(blame_of(0x91) == Blame::kNobody);
  CHECK(blame_of(0x9B) == Blame::kNobody);
  CHECK(blame_of(0x87) == Blame::kTopic);
  CHECK(blame_of(0x90) == Blame::kTopic);
  CHECK(blame_of(0x95) == Blame::kMessage);
  CHECK(blame_of(0x99) == Blame::kMessage);
  CHECK(blame_of(0x80) == Blame::kUnclear);
  CHECK(blame_of(0x83) == Blame::kUnclear);
  CHECK(blame_of(0xF0) == Blame::kUnclear);
}

TEST_CASE("refusal: a broker that shuts down or has a new client of our name did not mean the message") {
  for (const int code : {0x00, 0x82, 0x87, 0x95, 0x99}) CHECK(may_end_for_message(code));
  for (const int code : {0x8B, 0x8D, 0x8E, 0x97, 0x98, 0x9D}) CHECK_FALSE(may_end_for_message(code));
}

TEST_CASE("refusal: a row that alone is refused is buried when it is to blame, and only then") {
  CHECK(refusals_until_buried(Blame::kMessage, rows(7, 7)) == 1);
  CHECK(refusals_until_buried(Blame::kUnclear, rows(7, 7)) == 5);
  CHECK(refusals_until_buried(Blame::kTopic, rows(7, 7)) == 5);
  CHECK(refusals_until_buried(Blame::kNobody, rows(7, 7)) == 0);
}

TEST_CASE("refusal: many rows and gap records are never buried") {
  for (const Blame blame : {Blame::kMessage, Blame::kUnclear, Blame::kTopic, Blame::kNobody}) {
    CHECK(refusals_until_buried(blame, rows(7, 9)) == 0);
    CHECK(refusals_until_buried(blame, gap(7, 9)) == 0);
  }
}

TEST_CASE("refusal: a message that is to blame is halved at once, until one row is alone") {
  RefusalPolicy policy;
  RowLimit limit;
  std::vector<std::uint32_t> sizes;
  for (RowRange message = rows(1, 20); message.rows > 1; message = rows(1, limit.value())) {
    CHECK(policy.refused(Blame::kMessage, message, limit) == Step::kRetry);
    sizes.push_back(limit.value());
  }
  CHECK(sizes == std::vector<std::uint32_t>{10, 5, 2, 1});
  CHECK(policy.refused(Blame::kMessage, rows(1, 1), limit) == Step::kBury);
}

TEST_CASE("refusal: an unclear code waits between the halves") {
  RefusalPolicy policy;
  RowLimit limit;
  CHECK(policy.refused(Blame::kUnclear, rows(1, 4), limit) == Step::kWait);
  CHECK(limit.value() == 2);
}

TEST_CASE("refusal: for the topic's sake one row is tried alone after five refusals, without halving") {
  RefusalPolicy policy;
  RowLimit limit;
  for (int i = 0; i < 4; ++i) CHECK(policy.refused(Blame::kTopic, rows(1, 20), limit) == Step::kWait);
  CHECK(limit.value() == RowLimit::kMost);
  CHECK(policy.refused(Blame::kTopic, rows(1, 20), limit) == Step::kRetry);
  CHECK(limit.value() == 1);
  CHECK(policy.refused(Blame::kTopic, rows(1, 1), limit) == Step::kBury);
  CHECK_FALSE(policy.is_holding());
  CHECK(policy.refused(Blame::kTopic, gap(1, 1), limit) == Step::kWait);
  CHECK(policy.is_holding());
  policy.accepted();
  CHECK_FALSE(policy.is_holding());
  CHECK(policy.refusals() == 0);
}

TEST_CASE("refusal: what one row was refused is not held against the next") {
  RefusalPolicy policy;
  RowLimit limit;
  for (int i = 0; i < 4; ++i) (void)policy.refused(Blame::kUnclear, rows(1, 1), limit);
  CHECK(policy.refused(Blame::kUnclear, rows(2, 2), limit) == Step::kWait);
  CHECK(policy.refusals() == 5);  // but the pauses go on growing
}

TEST_CASE("row limit: grows back only behind the rows one of which cannot go") {
  RowLimit limit;
  limit.narrow(rows(1, 8));
  CHECK(limit.value() == 4);
  limit.accepted(4);
  CHECK(limit.value() == 4);
  limit.narrow(rows(5, 8));
  limit.accepted(6);
  CHECK(limit.value() == 2);
  limit.accepted(8);
  CHECK(limit.value() == 4);
  for (Sequence last = 9; last < 30; ++last) limit.accepted(last);
  CHECK(limit.value() == RowLimit::kMost);
}
