// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <random>
#include <string>
#include <vector>

namespace outrider {

using CorruptionRandom = std::mt19937_64;

/// One way to damage a buffer that nobody has open.
struct CorruptionAttack {
  const char* name;
  bool needs_log;  ///< There must be something in the write-ahead log.
  std::function<void(const std::string& path, CorruptionRandom& random)> run;
};

std::vector<CorruptionAttack> corruption_attacks();

void overwrite(const std::string& path, std::uint64_t at, const std::string& bytes);
std::string garbage(CorruptionRandom& random, std::size_t size);

}  // namespace outrider
