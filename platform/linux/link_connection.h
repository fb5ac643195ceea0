// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/ports/broker.h"
#include "platform/linux/byte_queue.h"
#include "platform/linux/descriptor.h"
#include "platform/linux/dialer.h"
#include "platform/linux/link_report.h"
#include "platform/linux/packet_guard.h"
#include "platform/linux/wire.h"

namespace outrider {

struct LinkRequest {
  BrokerAddress address;
  milliseconds timeout{20'000};  ///< Until the first byte of the broker.
  /// An MQTT packet from the broker that claims to be longer ends the connection; absent: nobody looks.
  std::optional<std::size_t> max_packet_bytes = {};
  /// Called by the link's thread when the broker's side has ended: true lets the client know at once, false when
  /// `Link::tell_client` is called, or after a second. It must not wait for anything, nor call the link.
  std::function<bool()> on_broker_end;
};

/// One connection through the link: waits for the client (Paho) at a listener of its own, dials the broker, relays.
///
/// Life     waiting → dialing → (shaking hands, when secure) → relaying, then by whichever side ends first
///            the client: flushing (what it sent still goes to the broker, at most kFlushLimit) → done
///            the broker, or a cut: swallowing (what the client still sends is thrown away; it is told end of file)
///            → done.
///          The client's socket is never reset: Paho frees memory twice when a write of its own fails
///          (paho.mqtt.c issue 1621).
/// Bounds   kUpBytes towards the broker, kDownBytes back; a full queue is not read into.
/// Tunnel   while not `passing` nothing is read or written and no attempt makes progress; a broker's socket that would
///          be closed is kept until the tunnel ends, because a real broker would not hear of it either.
/// Threads  the link's only; what others may know goes into the report.
class LinkConnection {
 public:
  using Time = Dialer::Time;

  /// `channel` absent: plain.
  LinkConnection(std::uint64_t number, Descriptor listener, LinkRequest request,
                 std::unique_ptr<SecureChannel> channel, LinkReport& report,
                 std::shared_ptr<NameLookup>& lookup);

  /// Adds what it waits for; poll's answer must be given to the next `advance`.
  void add_interest(std::vector<pollfd>& polls, bool passing);
  Time wake_at(bool passing) const;
  void advance(const std::vector<pollfd>& polls, Time now, bool passing);
  /// Ends it at once: nothing more reaches the broker.
  void cut(Time now, bool passing);
  /// The client may know now that the broker's side has ended.
  void tell_client(Time now);
  bool is_done() const { return stage_ == Stage::kDone && !parked_.is_open(); }

 private:
  enum class Stage { kWaiting, kDialing, kShakingHands, kRelaying, kFlushing, kSwallowing, kDone };
  struct Readiness {
    short client = 0;
    short broker = 0;
  };

  short client_events(bool passing) const;
  short broker_events() const;
  void accept_client();
  void dial(Readiness ready, Time now, bool passing);
  void shake_hands(Readiness ready, Time now, bool passing);
  void relay(Readiness ready, Time now, bool passing);
  void flush(Readiness ready, Time now, bool passing);
  void swallow(Time now);
  bool move_up(Readiness ready);
  void move_down(Readiness ready, Time now);
  std::optional<LinkFailure> objection(std::span<const char> bytes);
  struct End {
    LinkFailure why;
    bool is_by_broker = false;
  };
  void end(End how, Time now, bool passing);
  void leave_broker(bool passing);

  const std::uint64_t number_;
  const LinkRequest request_;
  const Time deadline_;  ///< For the broker's first byte.
  LinkReport& report_;
  std::shared_ptr<NameLookup>& lookup_;

  Stage stage_ = Stage::kWaiting;
  Descriptor listener_;
  Descriptor client_;
  std::unique_ptr<Dialer> dialer_;
  std::unique_ptr<SecureChannel> channel_;  ///< Until the wire takes it.
  Wire wire_;
  Wire parked_;  ///< The broker's end of a connection that ended inside the tunnel.
  ByteQueue up_;
  ByteQueue down_;
  std::optional<PacketGuard> guard_;
  Time flush_until_{};
  Time tell_at_{};  ///< At the latest.
  bool has_heard_broker_ = false;
  bool is_finished_ = false;  ///< The broker was told that nothing more will come.
  bool may_tell_ = false;     ///< The client may be told end of file.
  bool is_told_ = false;
  int write_error_ = 0;  ///< Towards the broker; reading goes on for what it said last.
  std::ptrdiff_t client_poll_ = -1;
  std::ptrdiff_t broker_poll_ = -1;
};

}  // namespace outrider
