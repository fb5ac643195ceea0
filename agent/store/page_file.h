// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/store/salvage_log.h"

namespace outrider {

inline constexpr std::size_t kPageSize = 4096;  ///< Ours, whatever the file says.

std::uint32_t big_endian_32(std::string_view bytes, std::size_t at);

/// The pages of a database file, the newest images in its log in front of them, read without SQLite: it refuses a whole
/// tree for one bad page.
///
/// Errors   what cannot be read is absent.
/// Source   sqlite.org/fileformat2.html
class PageFile {
 public:
  using Page = std::array<char, kPageSize>;
  /// nothing (NULL), an integer, or the bytes of a text or blob.
  using Value = std::variant<std::monostate, std::int64_t, std::string_view>;
  using Record = std::vector<Value>;
  using Visit = std::function<void(std::int64_t row_id, const Record& record)>;

  /// Longer records are not ours: what a damaged length says must not fill the memory.
  PageFile(const std::string& path, std::uint64_t max_record_bytes);

  /// Pages are numbered from 1.
  std::uint32_t pages() const { return pages_; }
  const LogContents& log() const { return log_; }
  /// Pages on the list of free pages hold rows that were deleted. As far as the list can be followed.
  bool is_free(std::uint32_t page) const { return page < is_free_.size() && is_free_[page]; }

  /// Shows the records of one page, if it is a leaf of a table. Whether they are what was written is for `visit` to say.
  void visit_records(std::uint32_t page, const Visit& visit);

 private:
  bool read(std::uint32_t page, Page& into);
  void read_free_list();
  bool assemble(std::string_view cell, std::uint64_t length, std::string& payload);

  std::ifstream file_;
  std::ifstream log_file_;
  const LogContents log_;
  const std::uint64_t max_record_bytes_;
  std::uint32_t pages_ = 0;
  std::vector<bool> is_free_;  ///< By page.
  Page overflow_{};            ///< Scratch.
};

}  // namespace outrider
