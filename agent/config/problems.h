// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace outrider {

/// Everything that is wrong with one file, so that a person can mend it in one go.
class Problems {
 public:
  /// Where a value stands: its JSON path, and its line; 0 for a value of the command line.
  struct Place {
    std::string path;
    int line = 0;
  };

  explicit Problems(std::string file) : file_(std::move(file)) {}

  /// `text`: what is wrong; what would be right.
  void add(const Place& place, std::string_view text);
  /// A syntax error, which has no path yet.
  void add_syntax(int line, int column, std::string_view text);
  /// A problem that has no place in the file.
  void add(std::string_view text);

  bool empty() const { return problems_.empty(); }
  /// One problem a line in the order of the file: "file:line: path: text".
  std::string text() const;

 private:
  struct Problem {
    int line = 0;
    std::string text;
  };

  std::string file_;
  std::vector<Problem> problems_;
};

/// `text` in double quotes for a message: shortened when long, control characters replaced by '?'.
std::string in_quotes(std::string_view text);

}  // namespace outrider
