// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/local_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace outrider {
namespace {

constexpr mode_t kOwnerOnly = 0600;
constexpr int kBacklog = 16;

std::string why(int error) { return std::generic_category().message(error); }

Error cannot_listen(const std::string& path, const std::string& reason) {
  return retry("cannot listen on " + path + ": " + reason);
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return stop("the path of a socket takes 1 to " + std::to_string(sizeof address.sun_path - 1) +
                " bytes and " + path + " has " + std::to_string(path.size()) +
                "; choose another with status.socket");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

int connect_to(const Descriptor& socket, const sockaddr_un& address) {
  return ::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0
                                                                                                      : errno;
}

/// Held while a file is looked at, removed and made anew, so that of two processes that start together one listens and
/// the other one learns of it.
Result<Descriptor> lock_directory(const std::string& path) {
  const std::string name = (std::filesystem::path(path).parent_path() / ".").string();
  Descriptor directory(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.is_open()) return cannot_listen(path, why(errno) + " (" + name + ")");
  if (::flock(directory.number(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return cannot_listen(path, "another process is about to");
  return directory;
}

Status remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return ok();  // bind says what is wrong, if anything is
  if (!S_ISSOCK(status.st_mode))
    return cannot_listen(path, "there is something that is no socket; move it away, or choose another path");
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int error = connect_to(probe, address);
  if (error == 0 || error == EAGAIN)
    return cannot_listen(path, "another agent does; give each its own buffer.directory or status.socket");
  if (error != ECONNREFUSED) return cannot_listen(path, why(error));
  if (::unlink(path.c_str()) != 0) return cannot_listen(path, "what is left there stays: " + why(errno));
  return ok();
}

}  // namespace

Result<LocalListener> LocalListener::open(const std::string& path) {
  const Result<sockaddr_un> address = address_of(path);
  if (!address) return address.error();
  const Result<Descriptor> lock = lock_directory(path);
  if (!lock) return lock.error();
  if (Status removed = remove_stale(path, *address); !removed) return removed.error();

  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // The file takes the mode of the socket when it is bound (unix(7) of Linux), so it is at no moment open to others,
  // and the umask, which belongs to the whole process, is left alone.
  if (!socket.is_open() || ::fchmod(socket.number(), kOwnerOnly) != 0 ||
      ::bind(socket.number(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
    return cannot_listen(path, why(errno));
  LocalListener listener;
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return cannot_listen(path, why(errno));
  listener.path_ = path;
  listener.socket_ = std::move(socket);
  listener.device_ = status.st_dev;
  listener.inode_ = status.st_ino;
  if (::listen(listener.descriptor(), kBacklog) != 0) return cannot_listen(path, why(errno));
  return listener;
}

LocalListener& LocalListener::operator=(LocalListener&& other) noexcept {
  if (this != &other) {
    close();
    path_ = std::move(other.path_);
    socket_ = std::move(other.socket_);
    device_ = other.device_;
    inode_ = other.inode_;
  }
  return *this;
}

Descriptor LocalListener::accept() const {
  return Descriptor(::accept4(socket_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

bool LocalListener::is_in_place() const {
  struct stat status {};
  return ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
}

void LocalListener::close() {
  if (!is_open()) return;
  if (is_in_place()) (void)::unlink(path_.c_str());
  socket_.reset();
}

Result<Descriptor> connect_local(const std::string& path, milliseconds longest) {
  const Result<sockaddr_un> address = address_of(path);
  if (!address) return address.error();
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // A Unix socket is connected at once, unless the listener's queue is full: that wait is what the limit is for.
  const timeval limit{.tv_sec = longest.count() / 1000, .tv_usec = longest.count() % 1000 * 1000};
  if (!socket.is_open() || ::setsockopt(socket.number(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0)
    return stop("no socket to ask the agent with: " + why(errno));
  const int error = connect_to(socket, *address);
  if (error == ENOENT || error == ECONNREFUSED || error == ENOTDIR)
    return retry("no agent is running on this socket (" + path +
                 "); start it, or give --config or --state of the running one");
  if (error == EAGAIN) return stop("the agent on " + path + " is too busy to answer; try again");
  if (error == EACCES)
    return stop("this user may not ask the agent on " + path + "; ask as the agent's user, or as root");
  if (error != 0) return stop("cannot ask the agent on " + path + ": " + why(error));
  if (::fcntl(socket.number(), F_SETFL, O_NONBLOCK) != 0)
    return stop("cannot ask the agent on " + path + ": " + why(errno));
  return socket;
}

}  // namespace outrider
