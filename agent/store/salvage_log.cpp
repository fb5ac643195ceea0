// SPDX-License-Identifier: Apache-2.0
#include "agent/store/salvage_log.h"

#include <algorithm>
#include <array>
#include <bit>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>

#include "agent/store/page_file.h"

namespace outrider {
namespace {

constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kFrameHeaderBytes = 24;
constexpr std::size_t kFrameBytes = kFrameHeaderBytes + kPageSize;
// Logs that ended before they reached the second frame: starts, mostly. A damaged salt is hardly ever so near.
constexpr std::uint32_t kMostLogsBetween = 1000;
// The last bit says that checksums are over big-endian words; all else in the log is big-endian anyway.
constexpr std::uint32_t kMagic = 0x377F0682;

struct Checksum {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  bool operator==(const Checksum&) const = default;
};

std::uint32_t little_endian(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i > 0; --i) value = value << 8U | static_cast<unsigned char>(bytes[at + i - 1]);
  return value;
}

Checksum add(Checksum sum, std::string_view bytes, bool is_big_endian) {
  const auto word = is_big_endian ? big_endian_32 : little_endian;
  for (std::size_t i = 0; i < bytes.size(); i += 8) {
    sum.first += word(bytes, i) + sum.second;
    sum.second += word(bytes, i + 4) + sum.first;
  }
  return sum;
}

/// Of a log that begins over one whose first salt was one less.
std::string header_text(std::uint32_t salt_1, std::uint32_t salt_2) {
  constexpr bool kIsBigEndian = std::endian::native == std::endian::big;
  constexpr std::uint32_t kVersion = 3007000;
  constexpr std::uint32_t kCheckpoints = 1;  // with 0 SQLite takes other salts
  std::string text;
  const auto append = [&text](std::uint32_t word) {
    for (const unsigned shift : {24U, 16U, 8U, 0U}) text.push_back(static_cast<char>(word >> shift & 0xFFU));
  };
  for (const std::uint32_t word : {kMagic | std::uint32_t{kIsBigEndian}, kVersion, std::uint32_t{kPageSize},
                                   kCheckpoints, salt_1, salt_2})
    append(word);
  const Checksum sum = add({}, text, kIsBigEndian);
  append(sum.first);
  append(sum.second);
  return text;
}

struct Frame {
  std::uint32_t page = 0;
  std::uint32_t database_pages = 0;  ///< Not 0: the last of its transaction.
  std::uint32_t salt_1 = 0;
  std::uint32_t salt_2 = 0;
  Checksum noted;
};

Frame frame_at(std::string_view bytes) {
  return {.page = big_endian_32(bytes, 0),
          .database_pages = big_endian_32(bytes, 4),
          .salt_1 = big_endian_32(bytes, 8),
          .salt_2 = big_endian_32(bytes, 12),
          .noted = {big_endian_32(bytes, 16), big_endian_32(bytes, 20)}};
}

/// Reads frame after frame. Each checksum goes on from the one before it, so a frame behind damage can still be judged
/// by what the frame before it noted.
class LogReader {
 public:
  explicit LogReader(const std::string& path) : file_(path, std::ios::binary) {}

  LogContents read() {
    LogContents& found = contents_;
    found.state = LogContents::State::kEmpty;
    std::array<char, kHeaderBytes> bytes{};
    const bool is_long_enough = bool(file_.read(bytes.data(), bytes.size()));
    const std::string_view header(bytes.data(), bytes.size());
    has_header_ = is_long_enough && take_header(header);
    is_intact_ = has_header_;
    std::string frame(kFrameBytes, '\0');
    for (std::uint64_t at = kHeaderBytes; file_.read(frame.data(), kFrameBytes); at += kFrameBytes)
      take(frame, at);
    found.is_ignored = !has_header_;
    if (found.state == LogContents::State::kEmpty && has_header_) found.state = LogContents::State::kSound;
    const bool is_zero = header.find_first_not_of('\0') == std::string_view::npos;
    if (is_long_enough && !has_header_ && !is_zero && !found.images.empty())
      found.header = header_text(salt_1_ + 1, salt_2_);
    const bool holds_nothing = found.images.empty() && (is_zero || has_just_begun_);
    if (is_long_enough && !has_header_ && !holds_nothing) found.state = LogContents::State::kBroken;
    if (!has_header_ && has_just_begun_ && holds_nothing) found.state = LogContents::State::kSound;
    return std::move(found);
  }

 private:
  bool take_header(std::string_view header) {
    const std::uint32_t magic = big_endian_32(header, 0);
    if ((magic & ~1U) != kMagic) return false;
    is_big_endian_ = (magic & 1U) != 0;
    salt_1_ = big_endian_32(header, 16);
    salt_2_ = big_endian_32(header, 20);
    noted_ = {big_endian_32(header, 24), big_endian_32(header, 28)};
    computed_ = add({}, header.substr(0, 24), is_big_endian_);
    return noted_ == computed_;
  }

  /// Without a header the first frame says which salts are of today, if the second one goes with it or is of the log before:
  /// then that one had moved into the file before this one was begun.
  void take_salts(const Frame& frame, std::uint64_t at) {
    if (at == kHeaderBytes) {  // there is nothing to judge it by
      salt_1_ = frame.salt_1;
      salt_2_ = frame.salt_2;
      contents_.unjudged_page = frame.page;
      if (frame.page != 0) pending_[frame.page] = at + kFrameHeaderBytes;
      if (frame.database_pages != 0) adopt();
      return;
    }
    const bool is_same = frame.salt_1 == salt_1_ && frame.salt_2 == salt_2_;
    const std::uint32_t logs_between = salt_1_ - frame.salt_1;  // each adds one
    has_just_begun_ = !is_same && frame.page != 0 && logs_between > 0 && logs_between <= kMostLogsBetween;
    if (is_same || has_just_begun_) return;
    pending_.clear();
    salt_1_ = frame.salt_1;
    salt_2_ = frame.salt_2;
  }

  void take(std::string_view bytes, std::uint64_t at) {
    const Frame frame = frame_at(bytes);
    const Checksum noted = std::exchange(noted_, frame.noted);
    const Checksum computed = computed_;
    if (!has_header_ && at <= kHeaderBytes + kFrameBytes) take_salts(frame, at);
    const auto goes_on_from = [&](const Checksum& seed) {
      return add(add(seed, bytes.substr(0, 8), is_big_endian_), bytes.substr(kFrameHeaderBytes),
                 is_big_endian_);
    };
    const bool is_of_today = frame.salt_1 == salt_1_ && frame.salt_2 == salt_2_ && frame.page != 0;
    const Checksum sum = goes_on_from(noted);
    // Its checksum goes on from the chain, so it was written here; the salts, which no checksum covers, changed since.
    const bool has_changed_salts = is_intact_ && sum == frame.noted && !is_of_today;
    // It goes on from what the frame before should have noted.
    const bool follows = is_of_today && (sum == frame.noted || goes_on_from(computed) == frame.noted);
    is_intact_ = is_intact_ && is_of_today && sum == frame.noted;
    computed_ = sum;
    if (!follows && !has_changed_salts) {
      ends_transaction_ = is_of_today && frame.database_pages != 0;
      is_behind_commit_ = false;
      return;
    }
    is_behind_commit_ = !is_intact_ && (is_behind_commit_ || ends_transaction_ || has_changed_salts);
    pending_[frame.page] = at + kFrameHeaderBytes;
    ends_transaction_ = frame.database_pages != 0;
    if (!ends_transaction_) return;
    // A whole transaction, written after another was made durable, and damage lies before that. What a commit that
    // failed left behind does not look like this: the next one took its place.
    if (is_behind_commit_) contents_.state = LogContents::State::kBroken;
    if (is_intact_ || contents_.state == LogContents::State::kBroken || !has_header_) adopt();
  }

  void adopt() {
    for (const auto& [page, image] : pending_) contents_.images[page] = image;
    pending_.clear();
  }

  std::ifstream file_;
  LogContents contents_;
  bool is_big_endian_ = false;
  bool has_header_ = false;
  bool has_just_begun_ = false;  ///< Over what is left of the log before.
  bool is_intact_ = false;       ///< No frame so far was wrong.
  bool is_behind_commit_ =
      false;  ///< Behind damage, and the end of a transaction since then, without more damage.
  bool ends_transaction_ = false;  ///< The frame before, whether or not it is right.
  std::uint32_t salt_1_ = 0;
  std::uint32_t salt_2_ = 0;
  Checksum noted_;     ///< By the frame before.
  Checksum computed_;  ///< Over the frame before: the same if it is right.
  std::unordered_map<std::uint32_t, std::uint64_t> pending_;  ///< Of the transaction being read.
};

bool is_all_in(const std::string& database, const std::string& path, const LogContents& log) {
  std::ifstream file(database, std::ios::binary);
  std::ifstream log_file(path, std::ios::binary);
  std::string in_file(kPageSize, '\0');
  std::string in_log(kPageSize, '\0');
  return !log.images.empty() && std::all_of(log.images.begin(), log.images.end(), [&](const auto& image) {
    file.seekg(static_cast<std::streamoff>((std::uint64_t{image.first} - 1) * kPageSize));
    log_file.seekg(static_cast<std::streamoff>(image.second));
    return file.read(in_file.data(), kPageSize) && log_file.read(in_log.data(), kPageSize) &&
           in_file == in_log;
  });
}

}  // namespace

LogContents read_log(const std::string& database) {
  const std::string path = database + "-wal";
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return {};
  LogContents contents = LogReader(path).read();
  contents.bytes = std::filesystem::file_size(path, error);
  if (contents.is_ignored && contents.state == LogContents::State::kBroken &&
      is_all_in(database, path, contents))
    contents.state = LogContents::State::kSound;
  if (contents.state != LogContents::State::kSound) contents.header.clear();
  return contents;
}

}  // namespace outrider
