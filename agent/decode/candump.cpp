// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/candump.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace outrider {
namespace {

// What linux/can.h keeps in the upper bits of an identifier and candump prints with it.
constexpr std::uint32_t kErrorBit = 0x20000000;
constexpr std::uint32_t kExtendedBit = 0x80000000;
constexpr std::uint32_t kExtendedMask = 0x1FFFFFFF;
constexpr std::uint32_t kStandardMask = 0x7FF;

// CAN FD flags of linux/can.h, the nibble after "##".
constexpr unsigned kBitRateSwitchBit = 1;
constexpr unsigned kErrorStateBit = 2;

constexpr std::size_t kClassicBytes = 8;
constexpr std::size_t kFdBytes = 64;

constexpr std::uint8_t kNoDigit = 0xFF;

constexpr std::array<std::uint8_t, 256> make_hex_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::uint8_t i = 0; i < 10; ++i) values[static_cast<std::size_t>('0') + i] = i;
  for (std::uint8_t i = 0; i < 6; ++i) {
    values[static_cast<std::size_t>('A') + i] = static_cast<std::uint8_t>(10 + i);
    values[static_cast<std::size_t>('a') + i] = static_cast<std::uint8_t>(10 + i);
  }
  return values;
}
constexpr std::array<std::uint8_t, 256> kHexValues = make_hex_values();

std::uint8_t hex_value(char digit) { return kHexValues[static_cast<unsigned char>(digit)]; }
bool is_space(char c) { return c == ' ' || c == '\t'; }

/// Reads one line from left to right; every step tells whether the line can still be a frame.
class LineReader {
 public:
  explicit LineReader(std::string_view line) : at_(line.data()), end_(line.data() + line.size()) {}

  bool read_stamp(CandumpLine& out) {
    if (!skip('(')) return false;
    std::int64_t whole = 0;
    const auto read = std::from_chars(at_, end_, whole);
    // A clock would have to be in the year 2262 for nanoseconds not to fit.
    constexpr std::int64_t kMostSeconds = std::numeric_limits<std::int64_t>::max() / 1'000'000'000 - 1;
    if (read.ec != std::errc{} || whole < 0 || *at_ == '-' || whole > kMostSeconds) return false;
    at_ = read.ptr;
    if (!skip('.')) return false;

    std::int64_t fraction = 0;
    int digits = 0;
    for (; at_ != end_ && *at_ >= '0' && *at_ <= '9'; ++at_, ++digits) {
      if (digits == 9) return false;
      fraction = fraction * 10 + (*at_ - '0');
    }
    if (digits == 0 || !skip(')')) return false;
    for (int i = digits; i < 9; ++i) fraction *= 10;
    out.fraction_digits = digits;
    out.frame.time = BootTime(nanoseconds(whole * 1'000'000'000 + fraction));
    return true;
  }

  bool read_interface(CandumpLine& out) {
    skip_spaces();
    const char* const begin = at_;
    while (at_ != end_ && !is_space(*at_)) ++at_;
    out.interface = {begin, static_cast<std::size_t>(at_ - begin)};
    skip_spaces();
    return !out.interface.empty() && at_ != end_;
  }

  /// Identifier up to and with the '#'. CAN XL has five digits there: network and priority.
  bool read_id(CanFrame& frame, bool& is_xl) {
    std::uint32_t id = 0;
    int digits = 0;
    for (; at_ != end_ && hex_value(*at_) != kNoDigit && digits < 9; ++at_, ++digits)
      id = id << 4 | hex_value(*at_);
    if (!skip('#')) return false;
    is_xl = digits == 5;
    if (digits == 3) {
      frame.id = id;
      return id <= kStandardMask;
    }
    if (digits != 8) return false;
    frame.flags = (id & kErrorBit) != 0 ? CanFrame::kError : CanFrame::kExtended;
    frame.id = id & kExtendedMask;
    return (id & ~(kExtendedMask | kErrorBit | kExtendedBit)) == 0;
  }

  bool read_content(CanFrame& frame) {
    if (skip('#')) return read_fd_flags(frame) && read_data(frame, kFdBytes);
    if (skip('R') || skip('r')) return read_remote(frame);
    return read_data(frame, kClassicBytes) && read_raw_dlc(frame);
  }

  /// Nothing may follow but the direction that candump -x writes.
  bool read_end() {
    skip_spaces();
    if (!skip('R')) (void)skip('T');
    skip_spaces();
    return at_ == end_;
  }

 private:
  bool skip(char expected) {
    if (at_ == end_ || *at_ != expected) return false;
    ++at_;
    return true;
  }
  void skip_spaces() {
    while (at_ != end_ && is_space(*at_)) ++at_;
  }

  bool read_fd_flags(CanFrame& frame) {
    if (at_ == end_ || hex_value(*at_) == kNoDigit) return false;
    const unsigned bits = hex_value(*at_++);
    unsigned flags = frame.flags | CanFrame::kFd;
    if ((bits & kBitRateSwitchBit) != 0) flags |= CanFrame::kBitRateSwitch;
    if ((bits & kErrorStateBit) != 0) flags |= CanFrame::kErrorState;
    frame.flags = static_cast<std::uint8_t>(flags);
    return true;
  }

  bool read_data(CanFrame& frame, std::size_t most) {
    std::size_t length = 0;
    while (at_ != end_ && !is_space(*at_) && *at_ != '_') {
      if (end_ - at_ < 2 || length == most) return false;
      const unsigned high = hex_value(at_[0]);
      const unsigned low = hex_value(at_[1]);
      if (high == kNoDigit || low == kNoDigit) return false;
      frame.data[length++] = static_cast<std::uint8_t>(high << 4 | low);
      at_ += 2;
      (void)skip('.');
    }
    frame.length = static_cast<std::uint8_t>(length);
    return true;
  }

  /// "_9" to "_F" after eight bytes: the length code as it was on the bus; the bytes are eight all the same.
  bool read_raw_dlc(const CanFrame& frame) {
    if (!skip('_')) return true;
    if (frame.length != kClassicBytes || at_ == end_) return false;
    const std::uint8_t code = hex_value(*at_++);
    return code != kNoDigit && code > kClassicBytes;
  }

  bool read_remote(CanFrame& frame) {
    frame.flags |= CanFrame::kRemote;
    if (at_ != end_ && *at_ >= '0' && *at_ <= '8') frame.length = static_cast<std::uint8_t>(*at_++ - '0');
    return read_raw_dlc(frame);
  }

  const char* at_;
  const char* end_;
};

void append_hex(std::string& out, std::uint32_t value, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
    out += "0123456789ABCDEF"[(value >> shift) & 0xF];
}

void append_padded(std::string& out, std::int64_t value, int digits) {
  std::array<char, 20> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(), value);
  const auto length = written.ptr - text.data();
  if (length < digits) out.append(static_cast<std::size_t>(digits - length), '0');
  out.append(text.data(), written.ptr);
}

}  // namespace

std::optional<CandumpLine> parse_candump_line(std::string_view line, CandumpJunk* why) {
  CandumpJunk ignored = CandumpJunk::kNone;
  CandumpJunk& junk = why == nullptr ? ignored : *why;
  junk = CandumpJunk::kNone;
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
  if (line.empty() || line.front() != '(') {
    junk = line.empty() ? CandumpJunk::kBlank : CandumpJunk::kComment;
    return std::nullopt;
  }

  std::optional<CandumpLine> out(std::in_place);
  LineReader reader(line);
  bool is_xl = false;
  const bool has_head =
      reader.read_stamp(*out) && reader.read_interface(*out) && reader.read_id(out->frame, is_xl);
  if (has_head && reader.read_content(out->frame) && reader.read_end()) return out;
  junk = is_xl ? CandumpJunk::kUnsupported : CandumpJunk::kBroken;
  return std::nullopt;
}

std::optional<CandumpDrops> parse_candump_drops(std::string_view line) {
  constexpr std::string_view kHead = "DROPCOUNT: dropped ";
  if (line.substr(0, kHead.size()) != kHead) return std::nullopt;
  line.remove_prefix(kHead.size());
  CandumpDrops drops;
  const auto [stopped, error] = std::from_chars(line.data(), line.data() + line.size(), drops.frames);
  const std::size_t open = line.find('\'');
  const std::size_t close = line.rfind('\'');
  if (error != std::errc() || open == close) return std::nullopt;
  drops.interface = line.substr(open + 1, close - open - 1);
  return drops;
}

void append_can_id(std::string& out, const CanFrame& frame) {
  append_hex(out, frame.id, frame.is(CanFrame::kExtended) ? 8 : 3);
}

std::string candump_line(const CanFrame& frame, std::string_view interface, int fraction_digits) {
  const std::int64_t stamp = std::max<std::int64_t>(frame.time.time_since_epoch().count(), 0);
  const int digits = std::clamp(fraction_digits, 1, 9);
  std::int64_t fraction = stamp % 1'000'000'000;
  for (int i = digits; i < 9; ++i) fraction /= 10;

  std::string out = "(";
  append_padded(out, stamp / 1'000'000'000, 10);
  out += '.';
  append_padded(out, fraction, digits);
  out.append(") ").append(interface).append(" ");
  if (frame.is(CanFrame::kError))
    append_hex(out, frame.id | kErrorBit, 8);
  else
    append_can_id(out, frame);
  out += '#';
  if (frame.is(CanFrame::kRemote)) {
    out += 'R';
    if (frame.length > 0) append_hex(out, frame.length, 1);
    return out;
  }
  if (frame.is(CanFrame::kFd)) {
    out += '#';
    const unsigned flags = (frame.is(CanFrame::kBitRateSwitch) ? kBitRateSwitchBit : 0U) |
                           (frame.is(CanFrame::kErrorState) ? kErrorStateBit : 0U);
    append_hex(out, flags, 1);
  }
  for (const std::uint8_t byte : frame.payload()) append_hex(out, byte, 2);
  return out;
}

}  // namespace outrider
