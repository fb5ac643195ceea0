// SPDX-License-Identifier: Apache-2.0
#include "agent/command/latency_histogram.h"

#include <algorithm>
#include <cmath>

namespace outrider {

void LatencyHistogram::add(nanoseconds latency) {
  const double milliseconds_taken = std::max(0.0, std::chrono::duration<double, std::milli>(latency).count());
  std::size_t bucket = 0;
  if (milliseconds_taken >= 1) {
    const double position = std::log2(milliseconds_taken) * static_cast<double>(kBucketsPerOctave);
    bucket = std::min(kBuckets, static_cast<std::size_t>(position) + 1);
  }
  ++buckets_[bucket];
  ++count_;
  maximum_ = std::max(maximum_, milliseconds_taken);
}

double LatencyHistogram::percentile(double share) const {
  if (count_ == 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen < wanted || seen == 0) continue;
    if (bucket == kBuckets) break;
    const double upper_end = std::exp2(static_cast<double>(bucket) / static_cast<double>(kBucketsPerOctave));
    return std::min(upper_end, maximum_);
  }
  return maximum_;
}

}  // namespace outrider
