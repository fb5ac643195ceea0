// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include "agent/base/result.h"
#include "agent/store/sqlite.h"

struct sqlite3_stmt;

namespace outrider {

/// SQL that is prepared at its first run and kept. Must go before its database.
class Statement {
 public:
  Statement(Database& database, const char* sql) : database_(database), sql_(sql) {}
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

 private:
  friend class Query;
  Database& database_;
  const char* const sql_;
  sqlite3_stmt* handle_ = nullptr;
  bool is_running_ = false;
};

/// Bytes to bind as a BLOB; a plain string_view is bound as TEXT.
struct Blob {
  std::string_view bytes;
};

/// One run of a statement with these values; leaves it ready for the next run, also after an error.
///
/// Shape    text and blobs are borrowed until the query is gone. Columns count from 0.
class Query {
 public:
  template <class... Values>
  explicit Query(Statement& statement, const Values&... values) : Query(statement, Prepare{}) {
    int parameter = 0;
    (bind(++parameter, values), ...);
  }
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  /// True when there is a row to look at.
  Result<bool> next();
  /// For statements that give no rows.
  Status run();

  std::int64_t integer(int column) const;
  /// Text or blob; valid until `next`.
  std::string_view bytes(int column) const;

 private:
  struct Prepare {};
  Query(Statement& statement, Prepare);
  template <std::integral Integer>
  void bind(int parameter, Integer value) {
    bind_integer(parameter, static_cast<std::int64_t>(value));
  }
  void bind(int parameter, std::string_view text);
  void bind(int parameter, Blob blob);
  void bind_integer(int parameter, std::int64_t value);

  Statement& statement_;
  int code_ = 0;  ///< First thing that went wrong before the first row.
};

}  // namespace outrider
