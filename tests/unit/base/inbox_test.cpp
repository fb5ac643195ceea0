// SPDX-License-Identifier: Apache-2.0
#include "agent/base/inbox.h"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

using namespace outrider;

TEST_CASE("inbox: keeps order and empties in one go") {
  Inbox<int> inbox(8);
  const std::vector<int> numbers{1, 2, 3};
  CHECK(inbox.push(std::span<const int>(numbers)) == 3);
  CHECK(inbox.push(4));
  std::vector<int> batch{99};
  inbox.take_all(batch);
  CHECK(batch == std::vector<int>{1, 2, 3, 4});
  inbox.take_all(batch);
  CHECK(batch.empty());
}

TEST_CASE("inbox: a full one takes what fits and counts the rest") {
  Inbox<int> inbox(2);
  const std::vector<int> numbers{1, 2, 3, 4, 5};
  CHECK(inbox.push(std::span<const int>(numbers)) == 2);
  CHECK_FALSE(inbox.push(6));
  CHECK(inbox.dropped() == 4);
  std::vector<int> batch;
  inbox.take_all(batch);
  CHECK(batch == std::vector<int>{1, 2});
  CHECK(inbox.push(7));
}

TEST_CASE("inbox: a source that waits for room loses nothing") {
  constexpr int kCount = 20'000;
  Inbox<int> inbox(64);
  std::thread source([&] {
    for (int i = 0; i < kCount; ++i) {
      while (!inbox.wait_for_room(1, std::chrono::milliseconds(100))) {
      }
      inbox.push(i);
    }
  });
  std::vector<int> all;
  std::vector<int> batch;
  while (all.size() < kCount) {
    inbox.take_all(batch);
    all.insert(all.end(), batch.begin(), batch.end());
  }
  source.join();
  CHECK(inbox.dropped() == 0);
  bool is_in_order = true;
  for (int i = 0; i < kCount; ++i) is_in_order = is_in_order && all[static_cast<std::size_t>(i)] == i;
  CHECK(is_in_order);
}
