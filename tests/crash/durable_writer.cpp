// SPDX-License-Identifier: Apache-2.0
// The process whose power is cut by power_cut.py: stores rows as fast as it can and says which are durable.
//
//   durable_writer write PATH          until killed: "acknowledges SEQ" before it does, "committed SEQ CONTENT" after
//   durable_writer show PATH           "epoch NAME", "newest SEQ" and one "row SEQ CONTENT" for each that is there
//   … PATH careless                    not Outrider's buffer but a table that commits without waiting for the storage:
//                                      what the test must be able to tell from it
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/store/outbox.h"
#include "agent/store/sqlite.h"
#include "agent/store/statement.h"
#include "platform/linux/small_file.h"

namespace outrider {
namespace {

/// What both kinds of store can do.
class Store {
 public:
  virtual ~Store() = default;
  /// Makes these rows durable; the number of the first.
  virtual Result<Sequence> store(const std::vector<std::string>& payloads) = 0;
  virtual std::string epoch() const = 0;
  virtual Sequence oldest() const = 0;
  virtual Sequence newest() const = 0;
  virtual Result<std::vector<Row>> rows() = 0;
  virtual void acknowledge(Sequence through) = 0;
};

class Buffer final : public Store {
 public:
  static Result<std::unique_ptr<Store>> open(const std::string& path) {
    PosixSmallFile epoch_file(path + ".epoch");
    auto outbox = Outbox::open({.path = path, .max_bytes = 8U << 20U}, epoch_file);
    if (!outbox) return outbox.error();
    return std::unique_ptr<Store>(new Buffer(std::move(*outbox)));
  }

  Result<Sequence> store(const std::vector<std::string>& payloads) override {
    Sequence first = 0;
    for (const std::string& payload : payloads) {
      const Result<Sequence> seq = outbox_->append(stream_, {.samples = 1, .payload = payload});
      if (!seq) return seq.error();
      if (first == 0) first = *seq;
    }
    if (const Status done = outbox_->commit(); !done) return done.error();
    return first;
  }
  std::string epoch() const override { return outbox_->epoch(); }
  Sequence oldest() const override { return outbox_->backlog(stream_).oldest; }
  Sequence newest() const override { return outbox_->backlog(stream_).newest; }
  Result<std::vector<Row>> rows() override {
    std::vector<Row> rows;
    if (const Status read = outbox_->read(stream_, 0, 1U << 30U, 1U << 30U, rows); !read) return read.error();
    return rows;
  }
  void acknowledge(Sequence through) override {
    outbox_->note_sent(stream_, through);
    outbox_->acknowledge(stream_, through);
  }

 private:
  explicit Buffer(std::unique_ptr<Outbox> outbox)
      : outbox_(std::move(outbox)), stream_(*outbox_->stream("truck-17", Channel::kTelemetry)) {}
  const std::unique_ptr<Outbox> outbox_;
  const StreamIndex stream_;
};

class CarelessTable final : public Store {
 public:
  static Result<std::unique_ptr<Store>> open(const std::string& path) {
    auto database = Database::open(path);
    if (!database) return database.error();
    const Status ready = (*database)->execute(
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
        "CREATE TABLE IF NOT EXISTS row(id INTEGER PRIMARY KEY, payload BLOB)");
    if (!ready) return ready.error();
    return std::unique_ptr<Store>(new CarelessTable(std::move(*database)));
  }

  Result<Sequence> store(const std::vector<std::string>& payloads) override {
    const Sequence first = newest() + 1;
    Statement insert(*database_, "INSERT INTO row(payload) VALUES(?)");
    const Status done = database_->transact([&]() -> Status {
      for (const std::string& payload : payloads)
        if (Status inserted = Query(insert, Blob{payload}).run(); !inserted) return inserted;
      return ok();
    });
    if (!done) return done.error();
    return first;
  }
  std::string epoch() const override { return "careless"; }
  Sequence oldest() const override { return newest() > 0 ? 1 : 0; }
  Sequence newest() const override { return *database_->integer("SELECT max(id) FROM row"); }
  Result<std::vector<Row>> rows() override {
    std::vector<Row> rows;
    Statement read(*database_, "SELECT id, payload FROM row ORDER BY id");
    Query query(read);
    while (true) {
      const Result<bool> more = query.next();
      if (!more) return more.error();
      if (!*more) return rows;
      rows.push_back({.seq = query.integer(0), .payload = std::string(query.bytes(1))});
    }
  }
  void acknowledge(Sequence /*through*/) override {}

 private:
  explicit CarelessTable(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  const std::unique_ptr<Database> database_;
};

/// Size and bytes follow from a number, so that a torn row shows.
std::string payload_of(std::uint64_t content) {
  constexpr std::size_t kSizes[] = {16, 200, 900, 5000};
  std::string payload(kSizes[content % 4], static_cast<char>('a' + content % 26));
  std::memcpy(payload.data(), &content, sizeof(content));
  return payload;
}

std::string content_of(const std::string& payload) {
  std::uint64_t content = 0;
  if (payload.size() >= sizeof(content)) std::memcpy(&content, payload.data(), sizeof(content));
  return payload == payload_of(content) ? std::to_string(content) : "torn";
}

/// A line at once: what was said counts, even if the power goes with the next instruction.
void say(const std::string& line) {
  const std::string text = line + "\n";
  if (::write(STDOUT_FILENO, text.data(), text.size()) != static_cast<ssize_t>(text.size())) ::_exit(1);
}

int complain(const Error& error) {
  std::fprintf(stderr, "durable_writer: %s\n", error.text.c_str());
  return 1;
}

int write_for_ever(Store& store) {
  constexpr Sequence kKept = 100;
  std::mt19937_64 random(std::random_device{}());
  while (true) {
    std::vector<std::uint64_t> contents(1 + random() % 4);
    std::vector<std::string> payloads;
    payloads.reserve(contents.size());
    for (std::uint64_t& content : contents) payloads.push_back(payload_of(content = random()));
    const Result<Sequence> first = store.store(payloads);
    if (!first) return complain(first.error());
    Sequence seq = *first;
    for (const std::uint64_t content : contents)
      say("committed " + std::to_string(seq++) + " " + std::to_string(content));
    if (seq - store.oldest() < 2 * kKept) continue;
    say("acknowledges " + std::to_string(seq - kKept));
    store.acknowledge(seq - kKept);
  }
}

int show(Store& store) {
  const Result<std::vector<Row>> rows = store.rows();
  if (!rows) return complain(rows.error());
  say("epoch " + store.epoch());
  say("newest " + std::to_string(store.newest()));
  for (const Row& row : *rows) say("row " + std::to_string(row.seq) + " " + content_of(row.payload));
  return 0;
}

int work(const std::vector<std::string_view>& arguments) {
  if (arguments.size() < 2 || (arguments[0] != "write" && arguments[0] != "show")) {
    std::fputs("durable_writer write|show PATH [careless]\n", stderr);
    return 2;
  }
  const std::string path(arguments[1]);
  const bool is_careless = arguments.size() == 3 && arguments[2] == "careless";
  const auto store = is_careless ? CarelessTable::open(path) : Buffer::open(path);
  if (!store) return complain(store.error());
  return arguments[0] == "write" ? write_for_ever(**store) : show(**store);
}

}  // namespace
}  // namespace outrider

int main(int count, char** words) {
  try {
    return outrider::work({words + 1, words + count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "durable_writer: %s\n", error.what());
    return 1;
  }
}
