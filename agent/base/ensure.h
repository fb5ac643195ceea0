// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <cstdlib>

namespace outrider {

[[noreturn]] inline void ensure_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "outrider: bug at %s:%d: expected %s\n", file, line, condition);
  std::abort();
}

}  // namespace outrider

/// States what must hold unless we made a mistake; aborts in release too. Never for input.
#define ENSURE(condition) \
  ((condition) ? static_cast<void>(0) : ::outrider::ensure_failed(#condition, __FILE__, __LINE__))
