// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "agent/base/time.h"

namespace outrider {

/// Distribution of durations from 1 ms to years in constant memory; a percentile is at most 1/16 octave (4.5 %) high.
class LatencyHistogram {
 public:
  /// Negative ones (clocks that disagree) count as zero.
  void add(nanoseconds latency);

  bool is_empty() const { return count_ == 0; }
  /// In milliseconds. `share` is 0..1; 0 when nothing was added.
  double percentile(double share) const;
  double maximum() const { return maximum_; }

 private:
  static constexpr std::size_t kBucketsPerOctave = 16;
  static constexpr std::size_t kBuckets = 40 * kBucketsPerOctave;  // 2^40 ms are 34 years

  std::array<std::uint64_t, kBuckets + 1> buckets_{};  // bucket 0: below 1 ms
  std::uint64_t count_ = 0;
  double maximum_ = 0;  // ms
};

}  // namespace outrider
