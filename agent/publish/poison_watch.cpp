// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/poison_watch.h"

#include <algorithm>

namespace outrider {
namespace {

/// No broker lets more messages be in flight (MQTT 5.0, 3.2.2.3.3), so this window is as good as none.
constexpr std::size_t kWidest = 65'535;

}  // namespace

PoisonWatch::Suspicion* PoisonWatch::find(StreamIndex stream) {
  const auto found = std::find_if(suspicions_.begin(), suspicions_.end(),
                                  [&](const Suspicion& suspicion) { return suspicion.stream == stream; });
  return found == suspicions_.end() ? nullptr : &*found;
}

bool PoisonWatch::suspects(StreamIndex stream) const {
  return std::any_of(suspicions_.begin(), suspicions_.end(), [&](const Suspicion& suspicion) {
    return suspicion.stream == stream && suspicion.losses >= kTries;
  });
}

void PoisonWatch::accepted(StreamIndex stream, Sequence last) {
  if (Suspicion* suspicion = find(stream)) {
    suspicion->proofs = 0;
    if (last >= suspicion->through) suspicions_.erase(suspicions_.begin() + (suspicion - suspicions_.data()));
  }
  const bool is_suspicious = std::any_of(suspicions_.begin(), suspicions_.end(),
                                         [](const Suspicion& each) { return each.losses >= kTries; });
  if (is_suspicious || window_ == kNoLimit) return;
  window_ *= 2;
  if (window_ > kWidest) window_ = kNoLimit;
}

/// One more loss with these rows in flight.
PoisonWatch::Suspicion& PoisonWatch::note(const InFlight& suspect) {
  Suspicion* known = find(suspect.stream);
  if (known == nullptr) known = &suspicions_.emplace_back(Suspicion{.stream = suspect.stream});
  if (suspect.oldest.first > known->through) *known = {.stream = suspect.stream};  // earlier ones got through
  known->through = suspect.oldest.last;
  ++known->losses;
  return *known;
}

PoisonWatch::Judgement PoisonWatch::lost(bool by_broker, std::span<const InFlight> in_flight, bool has_more) {
  if (!by_broker) {
    for (const InFlight& each : in_flight)
      if (Suspicion* suspicion = find(each.stream)) suspicion->proofs = 0;
    return {};
  }
  for (const InFlight& each : in_flight)
    if (note(each).losses >= kTries) window_ = 1;
  if (in_flight.size() != 1 || in_flight.front().messages != 1 || has_more) return {};
  const InFlight& alone = in_flight.front();
  Suspicion& suspicion = *find(alone.stream);
  if (suspicion.losses < kTries) return {};
  if (alone.oldest.rows > 1) return {Verdict::kNarrow, alone};
  suspicion.proofs = has_answer_ ? suspicion.proofs + 1 : 0;
  if (suspicion.proofs < kTries) return {};
  suspicion.proofs = 0;
  return {Verdict::kPoison, alone};
}

}  // namespace outrider
