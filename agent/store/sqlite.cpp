// SPDX-License-Identifier: Apache-2.0
#include "agent/store/sqlite.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "agent/store/counting_vfs.h"
#include "agent/store/statement.h"

namespace outrider {
namespace {

/// The system refused, so the storage is not to blame.
bool is_refusal(int code, int system_error) {
  const int kind = code & 0xFF;
  if (kind == SQLITE_READONLY || kind == SQLITE_PERM) return true;
  return (kind == SQLITE_CANTOPEN || kind == SQLITE_IOERR) &&
         (system_error == EACCES || system_error == EPERM || system_error == EROFS);
}

/// A page, or the sector below it, cannot be read; another attempt would say the same.
bool is_damage(int code, int system_error) {
  const int kind = code & 0xFF;
  return kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB || code == SQLITE_IOERR_CORRUPTFS ||
         (code == SQLITE_IOERR_READ && system_error == EIO);
}

/// What the code means for the agent, and what a person can do about it.
Error describe(int code, int system_error, const std::string& path, const std::string& detail) {
  const std::string buffer = path.empty() ? "the temporary buffer" : "the buffer " + path;
  const std::string reason = " (SQLite: " + detail + ", code " + std::to_string(code) + ")";
  if (is_refusal(code, system_error)) {
    const std::string text = buffer + " is not writable by this user" + reason +
                             "; make the file, its directory and the file system writable for it";
    const bool is_open = (code & 0xFF) == SQLITE_READONLY || (code & 0xFF) == SQLITE_IOERR;
    return is_open ? retry(text) : stop(text);
  }
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return retry(buffer + " has no room: its limit (buffer.max_bytes) or the disk is full" + reason +
                   "; delivered rows make room, or raise the limit or free the disk");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return reject(buffer + " is in use by another process" + reason +
                    "; only one may use it: is another outrider running, or a database tool?");
    case SQLITE_IOERR:
      return retry(buffer + " could not be read or written" + reason + "; check the storage device");
    case SQLITE_NOMEM:
      return retry("there is no memory for " + buffer + reason);
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
      return stop(buffer + " cannot be opened" + reason +
                  "; its directory must exist and be readable and writable for this user");
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return stop(
          buffer + " is damaged or not a database" + reason +
          "; when it is opened the next time it is set aside, and what can be read goes into a new one");
    case SQLITE_TOOBIG:
      return reject("a row is larger than SQLite can store" + reason);
    default:
      return stop(buffer + " cannot be used" + reason);
  }
}

}  // namespace

std::string sqlite_version() { return sqlite3_libversion(); }

Result<std::unique_ptr<Database>> Database::open(const std::string& path) {
  return open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
}

Result<std::unique_ptr<Database>> Database::open_evidence(const std::string& path) {
  // Not READONLY: then the exclusive mode, which needs no -shm file, could not take its lock.
  std::error_code absent;
  if (std::filesystem::file_size(path, absent) == 0 || absent)
    return stop(path + " is empty");  // SQLite would remove the log beside it
  Result<std::unique_ptr<Database>> database = open(path, SQLITE_OPEN_READWRITE);
  if (!database) return database;
  (*database)->note_damage();
  Status set = (*database)->execute(
      "PRAGMA locking_mode=EXCLUSIVE; PRAGMA query_only=ON; PRAGMA mmap_size=0; PRAGMA cache_size=-1024;"
      "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON");
  if (!set) return set.error();
  return database;
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, int flags) {
  std::unique_ptr<Database> database(new Database(path));
  // NOMUTEX: one thread uses the connection. Extended codes tell a full disk from a failing one in the log.
  flags |= SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const char* name = path.empty() ? ":memory:" : path.c_str();
  const int code = sqlite3_open_v2(name, &database->handle_, flags, database->vfs_->name());
  if (code != SQLITE_OK) return database->failure(code);
  int chunk = kChunkBytes;
  sqlite3_file_control(database->handle_, "main", SQLITE_FCNTL_CHUNK_SIZE, &chunk);
  return database;
}

Database::Database(std::string path) : path_(std::move(path)), vfs_(std::make_unique<CountingVfs>()) {}

Database::~Database() {
  if ((was_damaged_ || keeps_log_) && handle_ != nullptr)
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, static_cast<int*>(nullptr));
  ENSURE(sqlite3_close(handle_) == SQLITE_OK);
}

IoCounters Database::io_counters() const { return vfs_->counters(); }

Status Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return ok();
}

Result<std::int64_t> Database::integer(const std::string& sql) {
  Statement statement(*this, sql.c_str());
  Query query(statement);
  Result<bool> row = query.next();
  if (!row) return row.error();
  return *row ? query.integer(0) : 0;
}

Result<std::string> Database::text(const std::string& sql) {
  Statement statement(*this, sql.c_str());
  Query query(statement);
  Result<bool> row = query.next();
  if (!row) return row.error();
  return *row ? std::string(query.bytes(0)) : std::string();
}

Status Database::checkpoint() {
  const int code = sqlite3_wal_checkpoint_v2(handle_, "main", SQLITE_CHECKPOINT_RESTART, /*pnLog=*/nullptr,
                                             /*pnCkpt=*/nullptr);
  if (code != SQLITE_OK) return failure(code);
  return ok();
}

/// Null when there is none.
sqlite3_file* Database::log_file() {
  sqlite3_file* log = nullptr;
  const int code = sqlite3_file_control(handle_, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  return code == SQLITE_OK && log != nullptr && log->pMethods != nullptr ? log : nullptr;
}

Status Database::rewrite_log() {
  constexpr sqlite3_int64 kBlockBytes = 4096;
  sqlite3_file* log = log_file();
  if (log == nullptr) return ok();
  const sqlite3_io_methods& methods = *log->pMethods;
  sqlite3_int64 bytes = 0;
  int code = methods.xFileSize(log, &bytes);
  std::array<char, kBlockBytes> block{};
  for (sqlite3_int64 at = 0; at < bytes && code == SQLITE_OK; at += kBlockBytes) {
    const auto count = static_cast<int>(std::min(kBlockBytes, bytes - at));
    code = methods.xRead(log, block.data(), count, at);
    const bool is_hole =
        std::all_of(block.begin(), block.begin() + count, [](char byte) { return byte == 0; });
    if (code == SQLITE_OK && !is_hole) code = methods.xWrite(log, block.data(), count, at);
  }
  return code == SQLITE_OK ? ok() : failure(code);
}

Status Database::write_log_header(std::string_view header) {
  sqlite3_file* log = log_file();
  if (log == nullptr) return failure(SQLITE_CANTOPEN);
  int code = log->pMethods->xWrite(log, header.data(), static_cast<int>(header.size()), 0);
  if (code == SQLITE_OK) code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
  return code == SQLITE_OK ? ok() : failure(code);
}

Status Database::lengthen_log(std::int64_t bytes) {
  sqlite3_file* log = log_file();
  if (log == nullptr) return failure(SQLITE_CANTOPEN);
  sqlite3_int64 now = 0;
  int code = log->pMethods->xFileSize(log, &now);
  if (code == SQLITE_OK && now < bytes) code = log->pMethods->xTruncate(log, bytes);
  if (code != SQLITE_OK) return failure(code);
  return ok();
}

Result<std::string> Database::quick_check(const std::function<bool()>& may_go_on) {
  constexpr int kReadsBetweenQuestions = 16;
  bool is_stopped = false;
  int reads = 0;
  if (may_go_on)
    vfs_->on_read([&] {
      if (++reads % kReadsBetweenQuestions != 0 || is_stopped || may_go_on()) return;
      is_stopped = true;
      sqlite3_interrupt(
          handle_);  // the check looks at this with every page; the progress handler is not asked within it
    });
  Result<std::string> finding = text("PRAGMA quick_check(1)");
  vfs_->on_read({});
  if (is_stopped) return std::string();  // whatever an interrupted check says
  return finding;
}

/// Takes the disk space of all pages of the transaction under way. Pages of a commit are in the log first; if the disk
/// were full when they move into the file, the log could neither move nor grow, and deleting rows would not help.
Status Database::reserve() {
  if (path_.empty()) return ok();
  Result<std::int64_t> pages = integer("PRAGMA page_count");
  if (!pages) return pages.error();
  if (page_bytes_ == 0) {  // fixed since the first page was written
    Result<std::int64_t> page_bytes = integer("PRAGMA page_size");
    if (!page_bytes) return page_bytes.error();
    page_bytes_ = *page_bytes;
  }
  sqlite3_int64 wanted = *pages * page_bytes_;
  const int code = sqlite3_file_control(handle_, "main", SQLITE_FCNTL_SIZE_HINT, &wanted);
  if (code != SQLITE_OK) return failure(SQLITE_FULL);  // which SQLite reports as a write error
  return ok();
}

void Database::roll_back() {
  // Some errors roll back by themselves; then there is nothing left to do.
  if (sqlite3_get_autocommit(handle_) == 0) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

Error Database::failure(int code) {
  const int kind = code & 0xFF;
  const int system_error = sqlite3_system_errno(handle_);
  was_full_ = kind == SQLITE_FULL;
  was_refused_ = is_refusal(code, system_error);
  was_damaged_ = was_damaged_ || is_damage(code, system_error);
  const bool has_detail = handle_ != nullptr && sqlite3_extended_errcode(handle_) == code;
  const std::string detail = has_detail ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  return describe(code, system_error, path_, detail);
}

Statement::~Statement() { sqlite3_finalize(handle_); }

Query::Query(Statement& statement, Prepare /*unused*/) : statement_(statement) {
  ENSURE(!statement_.is_running_);
  statement_.is_running_ = true;
  if (statement_.handle_ == nullptr)
    code_ = sqlite3_prepare_v3(statement_.database_.handle_, statement_.sql_, -1, SQLITE_PREPARE_PERSISTENT,
                               &statement_.handle_, nullptr);
}

Query::~Query() {
  statement_.is_running_ = false;
  if (statement_.handle_ == nullptr) return;  // it could not be prepared
  sqlite3_reset(statement_.handle_);
  sqlite3_clear_bindings(statement_.handle_);  // they borrow memory of the caller
}

Result<bool> Query::next() {
  const int code = code_ == SQLITE_OK ? sqlite3_step(statement_.handle_) : code_;
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return statement_.database_.failure(code);
}

Status Query::run() {
  Result<bool> row = next();
  if (!row) return row.error();
  ENSURE(!*row);
  return ok();
}

std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_.handle_, column); }

std::string_view Query::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.handle_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.handle_, column))};
}

void Query::bind_integer(int parameter, std::int64_t value) {
  if (code_ == SQLITE_OK) code_ = sqlite3_bind_int64(statement_.handle_, parameter, value);
}

void Query::bind(int parameter, std::string_view text) {
  if (code_ == SQLITE_OK)
    code_ = sqlite3_bind_text64(statement_.handle_, parameter, text.data(), text.size(), SQLITE_STATIC,
                                SQLITE_UTF8);
}

void Query::bind(int parameter, Blob blob) {
  if (code_ != SQLITE_OK) return;
  // A null pointer would bind NULL, and an empty blob is not NULL.
  const char* data = blob.bytes.empty() ? "" : blob.bytes.data();
  code_ = sqlite3_bind_blob64(statement_.handle_, parameter, data, blob.bytes.size(), SQLITE_STATIC);
}

}  // namespace outrider
