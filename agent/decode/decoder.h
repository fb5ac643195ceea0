// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/decode/dbc.h"
#include "agent/ports/can_port.h"

namespace outrider {

/// One decoded value. `slot` counts the wanted signals of a decoder from 0, message by message.
struct DecodedValue {
  std::uint32_t slot = 0;
  double value = 0;  ///< Physical, in the DBC's unit; finite.
};

/// What a frame turned out to be.
struct DecodedFrame {
  std::int32_t message = -1;         ///< Index for `Decoder::message`; -1: no wanted message has this id.
  std::int32_t source_address = -1;  ///< J1939: who sent it; -1: matched by whole id.
  std::span<const DecodedValue>
      values;  ///< Valid until the next call. Present signals only, in the file's order.
};

/// What one slot is.
struct SlotInfo {
  const DbcMessage* message = nullptr;
  const DbcSignal* signal = nullptr;
  /// Largest number of decimals a value of this slot has when printed; a hint for write_number.
  int decimals = 0;
};

struct DecodeCounters {
  std::uint64_t frames = 0;         ///< Frames looked at.
  std::uint64_t matched = 0;        ///< Of these, with a wanted message.
  std::uint64_t short_signals = 0;  ///< Wanted signals that ended past the received length.
  std::uint64_t unavailable = 0;    ///< J1939 not-available and error codes: absent, not numbers.
  std::uint64_t not_finite = 0;     ///< IEEE signals that held NaN or infinity.
  std::uint64_t remote = 0;         ///< RTR frames of wanted messages: no data to decode.
  std::uint64_t errors = 0;         ///< Error frames.
};

/// Frames of one bus to physical values, by a plan compiled once from DBC files.
///
/// The plan holds, per message, a flat list of extraction steps; a frame costs one table look-up and about 25
/// instructions a signal, and allocates nothing.
/// Values   factor and offset are taken as the decimals that the file wrote: raw 3 with factor 0.1 is 0.3, the double
///          nearest to the true value (computed as integer / 10^n), not 3 * 0.1. Where they do not fit: raw * factor + offset.
/// Threads  one at a time; copies are independent.
/// Source   Vector DBC bit numbering; J1939-71 section 5.1.4 for codes that are not values; NMEA 2000 for PGNs with DP 1.
class Decoder {
 public:
  /// Tells which signals are wanted; selectors are decoded anyhow when something wanted depends on them.
  using Wanted = std::function<bool(const DbcMessage&, const DbcSignal&)>;

  /// Shape    the DBCs must outlive the decoder (shared). On equal ids the first file wins; `warnings` says so.
  Decoder(std::vector<std::shared_ptr<const Dbc>> files, IdMatching matching, const Wanted& wanted);
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;

  DecodedFrame decode(const CanFrame& frame);

  std::size_t slot_count() const;
  const SlotInfo& slot(std::uint32_t index) const;
  /// Messages with at least one wanted signal, in the order of their slots.
  std::size_t message_count() const;
  const DbcMessage& message(std::int32_t index) const;
  /// True when frames of this message are matched by parameter group, so `source_address` is set.
  bool is_matched_by_pgn(std::int32_t message) const;
  /// First slot and number of slots of a message.
  std::pair<std::uint32_t, std::uint32_t> slots_of(std::int32_t message) const;
  const DecodeCounters& counters() const;
  const std::vector<std::string>& warnings() const;

 private:
  struct Plan;
  std::unique_ptr<Plan> plan_;
};

/// Sets one signal in `payload` to the raw value nearest to `physical`, saturating at what its width can hold.
/// Errors  false when the signal does not fit in `payload`.
bool encode_signal(const DbcSignal& signal, double physical, std::span<std::uint8_t> payload);

/// J1939-21: the parameter group number of a 29-bit id (PDU1: destination not part of it).
inline std::uint32_t pgn_of(std::uint32_t id) {
  const std::uint32_t group = (id >> 8) & 0x3FFFF;  // EDP, DP, PF, PS
  const bool has_destination = (group & 0xFF00) < 0xF000;
  return has_destination ? group & 0x3FF00 : group;
}

}  // namespace outrider
