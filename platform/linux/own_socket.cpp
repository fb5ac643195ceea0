// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/own_socket.h"

#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>
#include <memory>
#include <optional>

namespace outrider {
namespace {

struct Endpoint {
  in_addr_t address = 0;
  in_port_t port = 0;
  bool operator==(const Endpoint&) const = default;
};

using Question = int (*)(int, sockaddr*, socklen_t*);

/// `ask` is getsockname or getpeername; nullopt when `descriptor` is no connected IPv4 socket.
std::optional<Endpoint> endpoint(Question ask, int descriptor) {
  sockaddr_in name{};
  socklen_t size = sizeof name;
  if (ask(descriptor, reinterpret_cast<sockaddr*>(&name), &size) != 0) return std::nullopt;
  if (name.sin_family != AF_INET) return std::nullopt;
  return Endpoint{name.sin_addr.s_addr, name.sin_port};
}

struct CloseDirectory {
  void operator()(DIR* directory) const { (void)::closedir(directory); }
};

}  // namespace

bool is_own_socket(int accepted) {
  const auto ours = endpoint(::getsockname, accepted);
  const auto theirs = endpoint(::getpeername, accepted);
  if (!ours || !theirs) return false;
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir("/proc/self/fd"));
  if (!directory) return false;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the directory stream is this call's own
  while (const dirent* entry = ::readdir(directory.get())) {
    const char* name = entry->d_name;
    int descriptor = -1;
    if (std::from_chars(name, name + std::strlen(name), descriptor).ec != std::errc()) continue;
    if (endpoint(::getsockname, descriptor) == theirs && endpoint(::getpeername, descriptor) == ours)
      return true;
  }
  return false;
}

}  // namespace outrider
