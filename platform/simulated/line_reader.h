// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace outrider {

/// Lines of a file, a pipe or a terminal, through one bounded buffer however long file and lines are.
///
/// Life cycle  open → `next` until it has none → `fill` → `next` … until `fill` says kEnd and `next` has none.
class LineReader {
 public:
  static constexpr std::size_t kLongestLine = 4096;

  /// "-" is standard input. Errors: kReject with the reason of the operating system.
  static Result<LineReader> open(const std::string& path);

  LineReader(LineReader&& other) noexcept;
  LineReader& operator=(LineReader&&) = delete;
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  ~LineReader();

  /// The next line that is here already, without its line feed; valid until the next call of anything.
  std::optional<std::string_view> next();

  enum class Supply { kMore, kNothingYet, kEnd };
  /// Reads more; waits at most `longest` for the first byte. Errors: kStop.
  Result<Supply> fill(milliseconds longest);

  /// Everything that has been read and not yet returned by `next`.
  std::string_view ahead() const { return {buffer_.data() + begin_, end_ - begin_}; }

  /// Lines longer than kLongestLine, which `next` left out.
  std::uint64_t overlong_lines() const { return overlong_lines_; }

 private:
  LineReader(int descriptor, std::string path);
  std::optional<std::string_view> last_line();

  int descriptor_;
  std::string path_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;     ///< What `next` has returned ends here.
  std::size_t searched_ = 0;  ///< No line feed between begin_ and here.
  std::size_t end_ = 0;
  bool is_at_end_ = false;
  bool is_skipping_ = false;  ///< Inside a line that is too long.
  std::uint64_t overlong_lines_ = 0;
};

}  // namespace outrider
