// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fstream>
#include <string>
#include <string_view>

#include "tests/support/temporary_directory.h"

namespace outrider {

/// A file with this text, gone at the end of the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view text) : path_(directory_.file("text.log")) {
    std::ofstream file(path_, std::ios::binary);
    file << text;
    file.close();
    ENSURE(file.good());
  }

  const std::string& path() const { return path_; }
  /// Another file beside it.
  std::string beside(const std::string& name) const { return directory_.file(name); }

 private:
  TemporaryDirectory directory_;
  std::string path_;
};

}  // namespace outrider
