// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/request_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>

#include "agent/base/quantity.h"
#include "platform/linux/local_socket.h"

namespace outrider {
namespace {

constexpr std::size_t kMostAnswerBytes = 64U << 20U;

using Time = std::chrono::steady_clock::time_point;

Error broken(const std::string& path) {
  return stop("the agent on " + path +
              " broke the connection off: " + std::generic_category().message(errno) + "; try again");
}

/// False when the deadline is over first.
bool wait_for(const Descriptor& socket, short event, Time deadline) {
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd wish{socket.number(), event, 0};
    const int ready = left.count() <= 0 ? 0 : ::poll(&wish, 1, static_cast<int>(left.count()));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

}  // namespace

Result<std::string> ask_agent(const std::string& path, std::string_view line, milliseconds longest) {
  const Time deadline = std::chrono::steady_clock::now() + longest;
  const auto too_late = [&] {
    return stop("the agent on " + path + " did not answer within " + duration_text(longest) +
                "; is its storage very slow, or the process stopped?");
  };
  const Result<Descriptor> socket = connect_local(path, longest);
  if (!socket) return socket.error();
  std::string request(line);
  request += '\n';
  for (std::size_t sent = 0; sent < request.size();) {
    if (!wait_for(*socket, POLLOUT, deadline)) return too_late();
    const ssize_t count =
        ::send(socket->number(), request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) return broken(path);
    if (count > 0) sent += static_cast<std::size_t>(count);
  }
  std::string answer;
  std::array<char, 16384> chunk{};
  while (answer.size() <= kMostAnswerBytes) {
    if (!wait_for(*socket, POLLIN, deadline)) return too_late();
    const ssize_t count = ::recv(socket->number(), chunk.data(), chunk.size(), 0);
    if (count == 0) return answer;
    if (count < 0 && errno != EAGAIN && errno != EINTR) return broken(path);
    if (count > 0) answer.append(chunk.data(), static_cast<std::size_t>(count));
  }
  return stop("what listens on " + path + " sends more than any answer has; is it an agent?");
}

}  // namespace outrider
