// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>

namespace outrider {

/// One number for each of the last keys: at least `generation` of them and at most twice as many (40 bytes each).
///
/// Two generations instead of a ring: when the young one is full the old one goes, and nothing is ever moved.
class RowMemory {
 public:
  explicit RowMemory(std::size_t generation) : generation_(generation) {}

  std::optional<std::uint64_t> find(std::uint64_t key) const {
    for (const auto* generation : {&young_, &old_})
      if (const auto found = generation->find(key); found != generation->end()) return found->second;
    return std::nullopt;
  }

  void remember(std::uint64_t key, std::uint64_t value) {
    if (young_.size() >= generation_) {
      old_ = std::move(young_);
      young_ = {};
    }
    young_[key] = value;
  }

 private:
  const std::size_t generation_;
  std::unordered_map<std::uint64_t, std::uint64_t> young_;
  std::unordered_map<std::uint64_t, std::uint64_t> old_;
};

}  // namespace outrider
