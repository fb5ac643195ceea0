// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/line_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace outrider {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} << 10;

std::string reason(int error) { return std::generic_category().message(error); }

}  // namespace

Result<LineReader> LineReader::open(const std::string& path) {
  if (path == "-") return LineReader(STDIN_FILENO, "standard input");
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return reject("cannot open " + path + ": " + reason(errno));
  LineReader reader(descriptor, path);
  struct stat status {};
  if (::fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode)) {
    return reject(path + " is a directory; a candump log is needed");
  }
  return reader;
}

LineReader::LineReader(int descriptor, std::string path)
    : descriptor_(descriptor), path_(std::move(path)), buffer_(kReadBytes + kLongestLine) {}

LineReader::LineReader(LineReader&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      buffer_(std::move(other.buffer_)),
      begin_(other.begin_),
      searched_(other.searched_),
      end_(other.end_),
      is_at_end_(other.is_at_end_),
      is_skipping_(other.is_skipping_),
      overlong_lines_(other.overlong_lines_) {}

LineReader::~LineReader() {
  if (descriptor_ > STDIN_FILENO) ::close(descriptor_);
}

std::optional<std::string_view> LineReader::next() {
  while (true) {
    const void* found = std::memchr(buffer_.data() + searched_, '\n', end_ - searched_);
    if (found == nullptr) return last_line();
    const char* line = buffer_.data() + begin_;
    const auto length = static_cast<std::size_t>(static_cast<const char*>(found) - line);
    begin_ += length + 1;
    searched_ = begin_;
    const bool is_overlong = std::exchange(is_skipping_, false) || length > kLongestLine;
    if (!is_overlong) return std::string_view(line, length);
    ++overlong_lines_;
  }
}

std::optional<std::string_view> LineReader::last_line() {
  searched_ = end_;
  if (end_ - begin_ > kLongestLine) {
    is_skipping_ = true;
    begin_ = end_;
  }
  if (!is_at_end_) return std::nullopt;
  if (std::exchange(is_skipping_, false)) ++overlong_lines_;
  if (begin_ == end_) return std::nullopt;
  const std::string_view line = ahead();
  begin_ = end_;
  return line;
}

Result<LineReader::Supply> LineReader::fill(milliseconds longest) {
  if (is_at_end_) return Supply::kEnd;
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  searched_ -= begin_;
  begin_ = 0;
  const std::size_t room = std::min(kReadBytes, buffer_.size() - end_);
  if (room == 0) return Supply::kMore;  // a whole buffer of lines waits for `next`

  pollfd wish{.fd = descriptor_, .events = POLLIN, .revents = 0};
  const auto timeout = static_cast<int>(std::clamp<milliseconds::rep>(longest.count(), 0, 60'000));
  if (::poll(&wish, 1, timeout) <= 0) return Supply::kNothingYet;  // a signal looks like a timeout
  const ssize_t got = ::read(descriptor_, buffer_.data() + end_, room);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return Supply::kNothingYet;
  if (got < 0) return stop("cannot read " + path_ + ": " + reason(errno));
  if (got == 0) {
    is_at_end_ = true;
    return Supply::kEnd;
  }
  end_ += static_cast<std::size_t>(got);
  return Supply::kMore;
}

}  // namespace outrider
