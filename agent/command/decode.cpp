// SPDX-License-Identifier: Apache-2.0
#include "agent/command/decode.h"

#include <array>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/json_text.h"
#include "agent/decode/candump.h"
#include "agent/decode/dbc.h"
#include "agent/decode/decoder.h"

namespace outrider {
namespace {

constexpr std::size_t kOutputBytes = 1 << 16;   // written at once
constexpr std::size_t kMaxLineBytes = 4 << 10;  // the longest CAN FD line has some 200
constexpr std::size_t kShownJunk = 3;           // lines named in the summary

void say(std::FILE* err, const std::string& line) { std::fprintf(err, "%s\n", line.c_str()); }

std::string counted(std::uint64_t count, const char* singular, const char* plural) {
  return std::to_string(count) + " " + (count == 1 ? singular : plural);
}

IdMatching matching_of(const std::string& word) {
  if (word == "exact") return IdMatching::kExact;
  return word == "pgn" ? IdMatching::kPgn : IdMatching::kAuto;
}

/// Lines of JSON for decoded frames; what does not change from frame to frame is text already.
class FrameWriter {
 public:
  explicit FrameWriter(const Decoder& decoder) : decoder_(decoder) {
    for (std::uint32_t i = 0; i < decoder.slot_count(); ++i) {
      std::string key;
      append_json_string(key, decoder.slot(i).signal->name);
      keys_.push_back(key + ":");
    }
  }

  void append(std::string& out, const CandumpLine& line, const DecodedFrame& decoded) const {
    out += "{\"time\":";
    append_time(out, line);
    out += ",\"bus\":";
    append_json_string(out, line.interface);
    out += ",\"id\":\"";
    append_can_id(out, line.frame);
    out += '"';
    if (decoded.source_address >= 0) {
      out += ",\"pgn\":";
      append_integer(out, pgn_of(line.frame.id));
      out += ",\"source\":";
      append_integer(out, decoded.source_address);
    }
    out += ",\"message\":";
    append_json_string(out, decoder_.message(decoded.message).name);
    out += ",\"signals\":{";
    for (const DecodedValue& value : decoded.values) {
      out += keys_[value.slot];
      append_number(out, value.value, decoder_.slot(value.slot).decimals);
      out += ',';
    }
    if (!decoded.values.empty()) out.pop_back();
    out += "}}\n";
  }

 private:
  static void append_time(std::string& out, const CandumpLine& line) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    const std::int64_t stamp = line.frame.time.time_since_epoch().count();
    append_integer(out, stamp / kSecond);
    out += '.';
    std::int64_t fraction = stamp % kSecond;
    std::array<char, 9> digits{};
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, fraction /= 10)
      *digit = static_cast<char>('0' + fraction % 10);
    out.append(digits.data(), static_cast<std::size_t>(line.fraction_digits));
  }

  const Decoder& decoder_;
  std::vector<std::string> keys_;  // by slot: "\"NAME\":"
};

/// What the log had besides frames.
struct LogJunk {
  std::uint64_t skipped = 0;  ///< Blank lines, comments, lines of other programs.
  std::uint64_t broken = 0;
  std::uint64_t unsupported = 0;  ///< CAN XL.
  std::vector<std::uint64_t> shown;

  void add(CandumpJunk why, std::uint64_t line) {
    if (why == CandumpJunk::kBlank || why == CandumpJunk::kComment) {
      ++skipped;
      return;
    }
    ++(why == CandumpJunk::kUnsupported ? unsupported : broken);
    if (shown.size() < kShownJunk) shown.push_back(line);
  }

  std::string text() const {
    std::string result;
    if (broken > 0) result += ", " + counted(broken, "broken line", "broken lines");
    if (unsupported > 0)
      result += ", " + counted(unsupported, "CAN XL line", "CAN XL lines") + " (not supported)";
    for (std::size_t i = 0; i < shown.size(); ++i)
      result += (i == 0 ? " (line " : ", ") + std::to_string(shown[i]);
    if (!shown.empty()) result += broken + unsupported > shown.size() ? ", …)" : ")";
    if (skipped > 0) result += ", " + counted(skipped, "other line", "other lines");
    return result;
  }
};

std::string summary(const DecodeCounters& counters, const LogJunk& junk) {
  std::string text =
      counted(counters.frames, "frame", "frames") + ", " + std::to_string(counters.matched) + " matched";
  const auto add = [&text](std::uint64_t count, const char* singular, const char* plural) {
    if (count > 0) text += ", " + counted(count, singular, plural);
  };
  add(counters.remote, "remote frame", "remote frames");
  add(counters.errors, "error frame", "error frames");
  add(counters.short_signals, "signal past the end of its frame", "signals past the end of their frames");
  add(counters.unavailable, "value not available", "values not available");
  add(counters.not_finite, "value not a number", "values not a number");
  return text + junk.text();
}

std::optional<Decoder> make_decoder(const DecodeArguments& arguments, std::FILE* err) {
  std::vector<std::shared_ptr<const Dbc>> files;
  bool is_usable = true;
  for (const std::string& path : arguments.dbc) {
    auto loaded = load_dbc(path, arguments.is_strict);
    if (!loaded) {
      say(err, loaded.error().text);
      is_usable = false;
      continue;
    }
    for (const DbcWarning& warning : loaded->warnings)
      say(err, path + ":" + std::to_string(warning.line) + ": " + warning.text);
    files.push_back(std::make_shared<const Dbc>(std::move(*loaded)));
  }
  if (!is_usable) return std::nullopt;
  Decoder decoder(std::move(files), matching_of(arguments.matching),
                  [](const DbcMessage&, const DbcSignal&) { return true; });
  for (const std::string& warning : decoder.warnings()) say(err, warning);
  return decoder;
}

/// Lines of a log. A log without line ends fills no memory.
class LineReader {
 public:
  LineReader(std::istream& log, const std::atomic<bool>& stop) : log_(log), stop_(stop) {}

  /// False at the end of the log or of the run.
  bool next() {
    if (stop_) return false;
    log_.getline(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    const auto taken = static_cast<std::size_t>(log_.gcount());
    if (log_.bad() || (log_.eof() && taken == 0)) return false;
    is_too_long_ = log_.fail();
    size_ = log_.good() ? taken - 1 : taken;  // `taken` counts the line end
    return !is_too_long_ || skip_rest();
  }
  bool is_too_long() const { return is_too_long_; }
  std::string_view line() const { return {buffer_.data(), size_}; }

 private:
  bool skip_rest() {
    while (log_.fail() && !log_.eof() && !log_.bad() && !stop_) {
      log_.clear();
      log_.getline(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    }
    return !log_.bad();
  }

  std::istream& log_;
  const std::atomic<bool>& stop_;
  std::array<char, kMaxLineBytes + 1> buffer_{};  // getline adds a NUL
  std::size_t size_ = 0;
  bool is_too_long_ = false;
};

/// One run over a log.
class LogDecoder {
 public:
  LogDecoder(Decoder& decoder, std::FILE* out) : decoder_(decoder), writer_(decoder), out_(out) {}

  /// False when the output takes no more.
  bool run(LineReader& log) {
    for (std::uint64_t number = 1; log.next(); ++number) {
      CandumpJunk why = CandumpJunk::kBroken;
      const auto parsed = log.is_too_long() ? std::nullopt : parse_candump_line(log.line(), &why);
      if (!parsed) {
        junk_.add(why, number);
        continue;
      }
      const DecodedFrame decoded = decoder_.decode(parsed->frame);
      if (decoded.message < 0) continue;
      writer_.append(text_, *parsed, decoded);
      if (text_.size() >= kOutputBytes && !flush()) return false;
    }
    return flush() && std::fflush(out_) == 0;
  }

  const LogJunk& junk() const { return junk_; }

 private:
  bool flush() {
    const bool is_written = std::fwrite(text_.data(), 1, text_.size(), out_) == text_.size();
    text_.clear();
    return is_written;
  }

  Decoder& decoder_;
  FrameWriter writer_;
  std::FILE* out_;
  std::string text_;
  LogJunk junk_;
};

int decode_log(Decoder& decoder, const std::string& name, std::istream& log, std::FILE* out, std::FILE* err,
               const std::atomic<bool>& stop) {
  LogDecoder run(decoder, out);
  LineReader lines(log, stop);
  if (!run.run(lines)) {
    say(err, "cannot write the decoded frames: the output is closed or full");
    return kExitCannotStart;
  }
  if (log.bad()) {
    say(err, name + ": reading failed before the end");
    return kExitBadInput;
  }
  say(err, summary(decoder.counters(), run.junk()));
  if (decoder.counters().frames > 0 || stop) return kExitFine;
  say(err, name +
               ": no candump frame in it; a line looks like \"(1745600961.335462) can0 1F0#C00600\", as "
               "candump -L and -l write");
  return kExitBadInput;
}

}  // namespace

int run_decode(const DecodeArguments& arguments, std::istream& input, std::FILE* out, std::FILE* err,
               const std::atomic<bool>& stop) {
  auto decoder = make_decoder(arguments, err);
  if (!decoder) return kExitBadInput;
  if (arguments.log == "-") return decode_log(*decoder, "standard input", input, out, err, stop);
  std::ifstream log(arguments.log, std::ios::binary);
  // A directory opens, but its first byte cannot be read.
  if (!log || (log.peek() == std::ifstream::traits_type::eof() && log.bad())) {
    say(err, arguments.log + ": cannot be read; give a candump log, or - for standard input");
    return kExitBadInput;
  }
  log.clear();
  return decode_log(*decoder, arguments.log, log, out, err, stop);
}

}  // namespace outrider
