// SPDX-License-Identifier: Apache-2.0
// Random layouts against a decoder that reads bit by bit, and back through the encoder.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <random>

#include "tests/unit/decode/dbc_builder.h"

namespace outrider {
namespace {

std::uint64_t random_bits(std::mt19937_64& random, std::uint64_t below) { return random() % below; }

/// DBC bit numbering read literally, one bit after the other; nullopt when a bit is past the payload.
std::optional<std::uint64_t> slow_raw(const DbcSignal& signal, std::span<const std::uint8_t> payload) {
  std::uint64_t raw = 0;
  unsigned bit = signal.start_bit;
  for (unsigned i = 0; i < signal.width; ++i) {
    if (bit / 8 >= payload.size()) return std::nullopt;
    const std::uint64_t value = (payload[bit / 8] >> (bit % 8)) & 1U;
    if (signal.order == ByteOrder::kIntel) {
      raw |= value << i;
      ++bit;
    } else {
      raw = raw << 1 | value;
      bit = bit % 8 == 0 ? bit + 15 : bit - 1;
    }
  }
  return raw;
}

std::optional<double> slow_value(const DbcSignal& signal, std::span<const std::uint8_t> payload) {
  const auto raw = slow_raw(signal, payload);
  if (!raw) return std::nullopt;
  double number = static_cast<double>(*raw);
  if (signal.type == ValueType::kSigned) {
    const std::uint64_t sign = 1ULL << ((signal.width - 1U) % 64);
    number = (*raw & sign) == 0 ? number : -static_cast<double>((~*raw & (sign - 1)) + 1);
  }
  if (signal.type == ValueType::kFloat32) number = std::bit_cast<float>(static_cast<std::uint32_t>(*raw));
  if (signal.type == ValueType::kFloat64) number = std::bit_cast<double>(*raw);
  const double value = number * signal.factor.value + signal.offset.value;
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

DbcSignal random_signal(std::mt19937_64& random, unsigned frame_bits) {
  const std::vector<std::string> factors{"1",    "0.1",        "0.0625",    "-0.01",
                                         "1000", "0.00390625", "0.0000001", "-1"};
  const std::vector<std::string> offsets{"0", "-40", "0.5", "-273.15"};
  const bool is_motorola = random_bits(random, 2) == 0;
  const auto start = static_cast<unsigned>(random_bits(random, frame_bits));
  const auto width = static_cast<unsigned>(1 + random_bits(random, 64));
  const std::string kind = std::string(is_motorola ? "@0" : "@1") + (random_bits(random, 2) == 0 ? "+" : "-");
  DbcSignal signal = signal_of("S", start, width, kind, factors[random_bits(random, factors.size())],
                               offsets[random_bits(random, offsets.size())]);
  const std::uint64_t float_chance = random_bits(random, 10);
  if (float_chance == 0) {
    signal.width = 32;
    signal.type = ValueType::kFloat32;
  } else if (float_chance == 1) {
    signal.width = 64;
    signal.type = ValueType::kFloat64;
  }
  return signal;
}

bool are_close(double a, double b, double scale) {
  return std::fabs(a - b) <= 1e-12 * std::max({std::fabs(a), std::fabs(b), scale});
}

struct Tally {
  int compared = 0;
  int absent = 0;
};

/// Every signal of `decoder` in a frame of `bytes` is what the slow reader finds, in order, and nothing else is there.
void compare(Decoder& decoder, const std::vector<DbcSignal>& signals, const std::vector<std::uint8_t>& bytes,
             Tally& tally) {
  CanFrame frame = frame_of(0x123, bytes);
  for (std::size_t i = bytes.size(); i < frame.data.size(); ++i) frame.data[i] = 0xA5;  // must not be seen
  const NamedValues values = decode_all(decoder, frame);
  std::size_t at = 0;
  for (const DbcSignal& signal : signals) {
    const auto expected = slow_value(signal, bytes);
    if (!expected) {
      ++tally.absent;
      continue;
    }
    REQUIRE(at < values.size());
    REQUIRE(values[at].first == signal.name);
    REQUIRE(are_close(values[at].second, *expected, std::fabs(signal.offset.value)));
    ++at;
    ++tally.compared;
  }
  REQUIRE(at == values.size());
}

TEST_CASE("decode: random layouts, payloads and lengths give what a bit-by-bit reader gives") {
  std::mt19937_64 random(20261123);
  Tally tally;
  for (int round = 0; round < 4000; ++round) {
    const auto length = static_cast<std::uint16_t>(round % 2 == 0 ? 8 : 64);
    std::vector<DbcSignal> signals;
    for (int i = 0; i < 6; ++i) {
      signals.push_back(random_signal(random, length * 8U));
      signals.back().name = std::to_string(i);
    }
    Decoder decoder = decoder_of({message_of("M", 0x123, length, signals)});
    for (int sample = 0; sample < 4; ++sample) {
      std::vector<std::uint8_t> bytes(sample < 2 ? length : random_bits(random, length + 1U));
      for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
      compare(decoder, signals, bytes, tally);
    }
  }
  CHECK(tally.compared > 30000);
  CHECK(tally.absent > 10000);
}

TEST_CASE("encode: what is encoded decodes to the same value, and other bits stay") {
  std::mt19937_64 random(1939);
  int compared = 0;
  for (int round = 0; round < 20000; ++round) {
    const DbcSignal signal = random_signal(random, 512);
    Decoder decoder = decoder_of({message_of("M", 0x123, 64, {signal})});
    std::vector<std::uint8_t> bytes(64);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    const NamedValues values = decode_all(decoder, frame_of(0x123, bytes));
    if (values.empty()) continue;  // does not fit, or not finite

    std::vector<std::uint8_t> flipped = bytes;
    REQUIRE(encode_signal(signal, values[0].second == 0 ? 1 : 0, flipped));
    REQUIRE(encode_signal(signal, values[0].second, flipped));
    const NamedValues again = decode_all(decoder, frame_of(0x123, flipped));
    REQUIRE(again.size() == 1);
    if (signal.type == ValueType::kUnsigned || signal.type == ValueType::kSigned)
      REQUIRE(again[0].second == values[0].second);
    else
      REQUIRE(are_close(again[0].second, values[0].second, std::fabs(signal.offset.value)));
    ++compared;

    // Where the signal is, the payload may differ; everywhere else it must not.
    DbcSignal all_ones = signal;
    all_ones.type = ValueType::kUnsigned;
    all_ones.factor = decimal("1");
    all_ones.offset = decimal("0");
    std::vector<std::uint8_t> place(64);
    REQUIRE(encode_signal(all_ones, 1e30, place));
    for (std::size_t i = 0; i < 64; ++i) REQUIRE(((flipped[i] ^ bytes[i]) & ~place[i] & 0xFF) == 0);
  }
  CHECK(compared > 10000);
}

TEST_CASE("encode: values saturate at what the width can hold and round to the nearest") {
  std::array<std::uint8_t, 8> payload{};
  const DbcSignal byte = signal_of("S", 8, 8, "@1+", "0.5", "-10");
  CHECK(encode_signal(byte, 1e9, payload));
  CHECK(payload[1] == 255);
  CHECK(encode_signal(byte, -1e9, payload));
  CHECK(payload[1] == 0);
  CHECK(encode_signal(byte, -9.3, payload));
  CHECK(payload[1] == 1);
  CHECK(payload[0] == 0);
  CHECK(payload[2] == 0);
  const DbcSignal small = signal_of("S", 7, 8, "@0-");
  CHECK(encode_signal(small, -1000, payload));
  CHECK(payload[0] == 0x80);
  CHECK(encode_signal(small, 1000, payload));
  CHECK(payload[0] == 0x7F);
  CHECK(encode_signal(small, std::numeric_limits<double>::quiet_NaN(), payload));
  CHECK(payload[0] == 0);
  for (const unsigned width : {60U, 64U}) {
    CHECK(encode_signal(signal_of("S", 0, width, "@1+"), 1e30, payload));
    CHECK(slow_raw(signal_of("S", 0, width, "@1+"), payload) == ~0ULL >> (64 - width));
    CHECK(encode_signal(signal_of("S", 0, width, "@1-"), 1e30, payload));
    CHECK(slow_raw(signal_of("S", 0, width, "@1+"), payload) == ~0ULL >> (65 - width));
    CHECK(encode_signal(signal_of("S", 0, width, "@1-"), -1e30, payload));
    CHECK(slow_raw(signal_of("S", 0, width, "@1+"), payload) == 1ULL << (width - 1));
  }
}

TEST_CASE("encode: a signal that does not fit leaves the payload alone") {
  std::array<std::uint8_t, 2> payload{1, 2};
  CHECK_FALSE(encode_signal(signal_of("S", 12, 8, "@1+"), 7, payload));
  CHECK(payload == std::array<std::uint8_t, 2>{1, 2});
}

}  // namespace
}  // namespace outrider
