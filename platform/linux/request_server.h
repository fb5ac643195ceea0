// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>

#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/bell.h"
#include "agent/ports/request_port.h"
#include "platform/linux/conversation.h"
#include "platform/linux/local_socket.h"

namespace outrider {

struct RequestServerLimits {
  std::size_t most_clients = 8;  ///< More wait until one is done, and then in the system's queue.
  std::size_t most_request_bytes = 4096;
  milliseconds patience{5000};       ///< For a client to ask, and again to take the answer.
  milliseconds retry_after{30'000};  ///< When it was not possible to listen.
  milliseconds look_after{5000};     ///< Between looks whether the file of the socket is still there.
};

/// Local requests over a Unix socket: a client sends one line, gets lines back, and the connection ends.
///
/// Life cycle  listens at once if it can; if not, says so in the log and tries again for ever: nobody stops sampling
///             because nobody can ask. A socket file that somebody removed is made again.
/// Threads     one of its own, which touches nothing but sockets and two lists of values; see RequestPort.
class RequestServer final : public RequestPort {
 public:
  RequestServer(std::string path, Bell& bell, RequestServerLimits limits = {});
  ~RequestServer() override;
  RequestServer(const RequestServer&) = delete;
  RequestServer& operator=(const RequestServer&) = delete;

  void take_requests(std::vector<Request>& requests) override;
  void reply(std::uint64_t id, std::string lines) override;

 private:
  using Time = Conversation::Time;
  struct Reply {
    std::uint64_t id;
    std::string lines;
  };

  void run() noexcept;
  bool follow_orders();
  void wait_for_work();
  void work();
  void try_to_listen(Time now);
  void look_for_file(Time now);
  void accept_clients(Time now);
  void advance_clients(Time now);
  void hand_over(std::uint64_t id, std::string request);
  bool accepts(Time now) const;
  Time wake_at(Time now) const;

  const std::string path_;
  const RequestServerLimits limits_;
  Bell& bell_;
  Descriptor wake_;  // eventfd

  // The thread's own.
  LocalListener listener_;
  Time next_try_{};   // to listen, or to accept after that failed
  Time next_look_{};  // for the file, while it listens
  std::list<Conversation> clients_;
  std::uint64_t next_id_ = 1;
  std::vector<pollfd> polls_;   // the bell, the listener, then the clients in their order
  std::vector<Reply> answers_;  // scratch

  std::mutex mutex_;
  bool is_stopping_ = false;       // guarded by mutex_
  std::vector<Request> requests_;  // guarded by mutex_
  std::vector<Reply> replies_;     // guarded by mutex_

  std::thread thread_;  // last: uses all the others
};

}  // namespace outrider
