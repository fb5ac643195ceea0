// SPDX-License-Identifier: Apache-2.0
#include "agent/store/page_file.h"

#include <algorithm>
#include <filesystem>

namespace outrider {
namespace {

constexpr char kTableLeaf = 0x0D;
constexpr std::size_t kFileHeaderBytes = 100;
constexpr std::size_t kLeafHeaderBytes = 8;
constexpr std::size_t kLink = 4;  // an overflow page begins with the number of the next
constexpr std::uint64_t kUsable = kPageSize;
// How much of a record stays in its leaf: section 1.6 of the source.
constexpr std::uint64_t kMostLocal = kUsable - 35;
constexpr std::uint64_t kLeastLocal = (kUsable - 12) * 32 / 255 - 23;

std::uint64_t local_part(std::uint64_t length) {
  if (length <= kMostLocal) return length;
  const std::uint64_t part = kLeastLocal + (length - kLeastLocal) % (kUsable - kLink);
  return part <= kMostLocal ? part : kLeastLocal;
}

std::size_t big_endian_16(std::string_view bytes, std::size_t at) {
  return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at]) << 8U |
                                  static_cast<unsigned char>(bytes[at + 1]));
}

/// A number of 1 to 9 bytes, taken from the front; 0 from nothing.
std::uint64_t take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < 9 && !bytes.empty(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    if (i == 8) return value << 8U | byte;
    value = value << 7U | (byte & 0x7FU);
    if (byte < 0x80U) return value;
  }
  return value;
}

/// Length of a value by its serial type; types that none of our tables use have none.
std::optional<std::uint64_t> length_of(std::uint64_t type) {
  constexpr std::array<std::uint64_t, 7> kIntegers = {0, 1, 2, 3, 4, 6, 8};
  if (type < kIntegers.size()) return kIntegers[type];
  if (type == 8 || type == 9) return 0;
  if (type >= 12) return (type - 12) / 2;
  return std::nullopt;
}

PageFile::Value value_of(std::uint64_t type, std::string_view bytes) {
  if (type == 0) return std::monostate();
  if (type == 8 || type == 9) return static_cast<std::int64_t>(type - 8);
  if (type >= 12) return bytes;
  constexpr unsigned kSignBit = 0x80;
  std::uint64_t value = (static_cast<unsigned char>(bytes.front()) & kSignBit) != 0 ? ~std::uint64_t{0} : 0;
  for (const char byte : bytes) value = value << 8U | static_cast<unsigned char>(byte);
  return static_cast<std::int64_t>(value);
}

/// False when it is not a record.
bool parse_record(std::string_view payload, PageFile::Record& record) {
  record.clear();
  std::string_view header = payload;
  const std::uint64_t header_bytes = take_varint(header);
  const std::size_t length_bytes = payload.size() - header.size();
  if (header_bytes < length_bytes || header_bytes > payload.size()) return false;
  header = header.substr(0, header_bytes - length_bytes);
  std::string_view body = payload.substr(header_bytes);
  while (!header.empty()) {
    const std::uint64_t type = take_varint(header);
    const std::optional<std::uint64_t> length = length_of(type);
    if (!length || *length > body.size()) return false;
    record.push_back(value_of(type, body.substr(0, *length)));
    body.remove_prefix(*length);
  }
  return body.empty();
}

}  // namespace

std::uint32_t big_endian_32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

PageFile::PageFile(const std::string& path, std::uint64_t max_record_bytes)
    : file_(path, std::ios::binary),
      log_file_(path + "-wal", std::ios::binary),
      log_(read_log(path)),
      max_record_bytes_(max_record_bytes) {
  std::error_code absent;
  const std::uintmax_t bytes = std::filesystem::file_size(path, absent);
  constexpr std::uintmax_t kMostPages = 0xFFFF'FFFE;  // SQLite's own limit
  if (!absent) pages_ = static_cast<std::uint32_t>(std::min(bytes / kPageSize, kMostPages));
  for (const auto& [page, image] : log_.images)
    if (page != log_.unjudged_page) pages_ = std::max(pages_, page);
  // The log can make the file longer by as many pages as it holds; a larger number that no checksum vouches for is
  // damage. (One that is vouched for may be larger: perhaps the file is gone and only its log is there.)
  const std::uint64_t plausible = std::uint64_t{pages_} + log_.bytes / kPageSize;
  if (log_.images.count(log_.unjudged_page) > 0 && log_.unjudged_page <= plausible)
    pages_ = std::max(pages_, log_.unjudged_page);
  read_free_list();
}

bool PageFile::read(std::uint32_t page, Page& into) {
  const auto image = log_.images.find(page);
  std::ifstream& file = image == log_.images.end() ? file_ : log_file_;
  const std::uint64_t at = image == log_.images.end() ? (std::uint64_t{page} - 1) * kPageSize : image->second;
  file.clear();
  file.seekg(static_cast<std::streamoff>(at));
  return bool(file.read(into.data(), static_cast<std::streamsize>(into.size())));
}

/// Trunk pages form a chain; each names its leaves.
void PageFile::read_free_list() {
  Page page{};
  const std::string_view bytes(page.data(), page.size());
  if (pages_ == 0 || !read(1, page) || !bytes.starts_with("SQLite format 3")) return;
  is_free_.resize(std::size_t{pages_} + 1);
  std::uint32_t trunk = big_endian_32(bytes, 32);
  while (trunk > 1 && trunk <= pages_ && !is_free_[trunk] && read(trunk, page)) {
    is_free_[trunk] = true;
    const std::size_t leaves = std::min<std::size_t>(big_endian_32(bytes, 4), kPageSize / 4 - 2);
    for (std::size_t i = 0; i < leaves; ++i) {
      const std::uint32_t leaf = big_endian_32(bytes, 8 + 4 * i);
      if (leaf > 1 && leaf <= pages_) is_free_[leaf] = true;
    }
    trunk = big_endian_32(bytes, 0);
  }
}

void PageFile::visit_records(std::uint32_t number, const Visit& visit) {
  Page page{};
  if (!read(number, page)) return;
  const std::string_view bytes(page.data(), page.size());
  const std::size_t header = number == 1 ? kFileHeaderBytes : 0;
  if (bytes[header] != kTableLeaf) return;
  const std::size_t cells =
      std::min(big_endian_16(bytes, header + 3), (kPageSize - header - kLeafHeaderBytes) / 2);
  std::string payload;
  Record record;
  for (std::size_t i = 0; i < cells; ++i) {
    const std::size_t at = big_endian_16(bytes, header + kLeafHeaderBytes + 2 * i);
    if (at >= kPageSize) continue;
    std::string_view cell = bytes.substr(at);
    const std::uint64_t length = take_varint(cell);
    const auto row_id = static_cast<std::int64_t>(take_varint(cell));
    if (assemble(cell, length, payload) && parse_record(payload, record)) visit(row_id, record);
  }
}

/// The whole record of a cell, whose rest lies in a chain of overflow pages.
bool PageFile::assemble(std::string_view cell, std::uint64_t length, std::string& payload) {
  if (length > std::min(max_record_bytes_, std::uint64_t{pages_} * kPageSize)) return false;
  const std::uint64_t local = local_part(length);
  const bool has_rest = local < length;
  if (cell.size() < local + (has_rest ? kLink : 0)) return false;
  payload.assign(cell.substr(0, local));
  std::uint32_t next = has_rest ? big_endian_32(cell, local) : 0;
  while (payload.size() < length) {
    if (next < 2 || next > pages_ || !read(next, overflow_)) return false;
    const std::string_view bytes(overflow_.data(), overflow_.size());
    payload += bytes.substr(kLink, length - payload.size());
    next = big_endian_32(bytes, 0);
  }
  return true;
}

}  // namespace outrider
