// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace outrider {

/// One frame as received. Classic CAN and CAN FD; 80 bytes.
struct CanFrame {
  enum Flag : std::uint8_t {
    kExtended = 1,  ///< 29-bit identifier.
    kRemote = 2,    ///< RTR: no data.
    kError = 4,     ///< An error report of the controller, not a frame.
    kFd = 8,
    kBitRateSwitch = 16,
    kErrorState = 32,  ///< ESI.
  };

  BootTime time{};          ///< When it was captured.
  std::uint32_t id = 0;     ///< Identifier alone; what SocketCAN keeps in bits 29..31 is in `flags`.
  std::uint8_t length = 0;  ///< Bytes of data, 0..64; a plain length, never a DLC.
  std::uint8_t flags = 0;   ///< Flag values, OR-ed.
  std::uint16_t bus = 0;    ///< Index into the agent's list of buses.
  std::array<std::uint8_t, 64> data{};

  bool is(Flag flag) const { return (flags & flag) != 0; }
  std::span<const std::uint8_t> payload() const { return {data.data(), length}; }
};
static_assert(sizeof(CanFrame) == 80);

/// Frames from the world: sockets, a log, a simulated bus.
///
/// Threads  `receive` is called by the collector only; the other questions by any thread.
class CanPort {
 public:
  enum class Feed {
    kOpen,   ///< More may come.
    kEnded,  ///< A log is at its end; never asked again.
  };

  virtual ~CanPort() = default;

  /// Appends frames that are there; waits at most `longest` for the first. At most about 1000 frames a call.
  virtual Result<Feed> receive(std::vector<CanFrame>& frames, milliseconds longest) = 0;

  /// True when frames are kept while nobody asks (a log, a simulation): the collector may wait for room.
  virtual bool can_wait() const = 0;

  /// Frames lost before they reached us since the start, per bus index (kernel overruns).
  virtual std::uint64_t overruns(std::uint16_t bus) const = 0;
};

}  // namespace outrider
