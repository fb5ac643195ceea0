// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/small_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include "platform/linux/descriptor.h"

namespace outrider {
namespace {

// What is larger is not one of our small files: a wrong path must not fill the memory.
constexpr std::size_t kMaxBytes = 4U << 10U;
constexpr mode_t kMode = 0644;

Error failed(const std::string& doing, const std::string& path, int code) {
  return retry("cannot " + doing + " " + path + ": " + std::generic_category().message(code));
}

Status write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(file, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return retry(std::generic_category().message(errno));
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return ok();
}

/// Without this the making or the renaming of a file may be undone by a power cut.
Status sync_directory_of(const std::string& path) {
  // "/." so that a path without a directory means the working directory.
  const std::string directory = (std::filesystem::path(path).parent_path() / ".").string();
  const Descriptor file(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file.is_open()) return failed("open", directory, errno);
  if (::fsync(file.number()) != 0) return failed("sync", directory, errno);
  return ok();
}

}  // namespace

Result<std::optional<std::string>> PosixSmallFile::read() const {
  // Without O_NONBLOCK a FIFO would wait for somebody who writes into it.
  const Descriptor file(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file.is_open() && errno == ENOENT) return std::optional<std::string>();
  if (!file.is_open() && errno == ENXIO) return std::optional(std::string());  // a socket
  if (!file.is_open()) return failed("open", path_, errno);
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) return failed("look at", path_, errno);
  if (!S_ISREG(status.st_mode)) return std::optional(std::string());

  std::string text;
  std::array<char, 4096> chunk{};
  while (text.size() <= kMaxBytes) {
    const ssize_t count = ::read(file.number(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("read", path_, errno);
    if (count == 0) return std::optional(std::move(text));
    text.append(chunk.data(), static_cast<std::size_t>(count));
  }
  return std::optional(std::string());
}

Status PosixSmallFile::write(std::string_view text) {
  const std::string aside = path_ + ".new";
  if (Status written = write_aside(aside, text); !written) {
    ::unlink(aside.c_str());
    return written;
  }
  if (::rename(aside.c_str(), path_.c_str()) != 0) {
    const int code = errno;
    ::unlink(aside.c_str());
    if (code == EISDIR)
      return stop(path_ + " is a directory, but a file is to be written there; move it aside");
    return failed("replace", path_, code);
  }
  return sync_directory();
}

Status PosixSmallFile::write_aside(const std::string& aside, std::string_view text) const {
  // A new file: what lies there could be half a text, or something that must not be written into.
  ::unlink(aside.c_str());
  const Descriptor file(::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode));
  if (!file.is_open()) return failed("make", aside, errno);
  if (Status written = write_all(file.number(), text); !written)
    return retry("cannot write " + aside + ": " + written.error().text);
  // The umask of whoever starts us is not to decide who may read it.
  if (::fchmod(file.number(), kMode) != 0) return failed("set the mode of", aside, errno);
  if (::fsync(file.number()) != 0) return failed("sync", aside, errno);
  return ok();
}

Status PosixSmallFile::sync_directory() const { return sync_directory_of(path_); }

Status create_file(const std::string& path, std::string_view text, Readers readers) {
  constexpr mode_t kPrivateMode = 0600;
  const mode_t mode = readers == Readers::kOwner ? kPrivateMode : kMode;
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file.is_open() && errno == EEXIST)
    return reject(path + " exists already and is left as it is; name a new file, or move that one away");
  if (!file.is_open()) return reject(failed("make", path, errno).text);
  Status written = write_all(file.number(), text);
  if (written && ::fsync(file.number()) != 0) written = failed("sync", path, errno);
  if (written) written = sync_directory_of(path);
  if (written) return written;
  ::unlink(path.c_str());
  return reject("cannot write " + path + ": " + written.error().text);
}

}  // namespace outrider
