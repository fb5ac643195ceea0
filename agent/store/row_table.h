// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "agent/base/result.h"
#include "agent/store/outbox.h"
#include "agent/store/sqlite.h"
#include "agent/store/statement.h"

namespace outrider {

/// How many rows, and what they hold.
struct RowSum {
  std::uint64_t rows = 0;
  std::uint64_t samples = 0;  ///< A gap record has none: its samples are lost, not waiting.
  std::uint64_t bytes = 0;    ///< Of payload.

  void add(const Row& row);
  RowSum& operator+=(const RowSum& other);
  RowSum& operator-=(const RowSum& other);
  bool covers(const RowSum& part) const;
};

/// Key of table `row`.
std::int64_t row_id(StreamIndex stream, Sequence seq);
StreamIndex stream_of_row_id(std::int64_t id);
Sequence sequence_of_row_id(std::int64_t id);
/// Column `samples` of a row: below samples, above them the lost ones, which are rare and then cost three bytes.
std::int64_t samples_column(const Row& row);
void set_samples(Row& row, std::int64_t column);
/// Of everything in a row, its key included.
std::uint32_t row_checksum(std::int64_t id, const Row& row);

/// Table `row`. Rows lie in order of stream and number, so every question here is one range of the primary key.
class RowTable {
 public:
  explicit RowTable(Database& database);

  Status insert(StreamIndex stream, const Row& row);
  /// What is there already stays.
  Status insert_if_absent(StreamIndex stream, const Row& row);

  /// See Outbox::read. After an error `rows` is what it was. Stops before a row whose checksum is wrong, and returns its
  /// number then, else 0.
  Result<Sequence> read(StreamIndex stream, Sequence from, std::size_t max_bytes, std::size_t max_rows,
                        std::vector<Row>& rows);

  /// One row, whatever its checksum says; nullopt when there is none that begins with this number.
  Result<std::optional<Row>> at(StreamIndex stream, Sequence seq);

  /// Last number of the row that stands for `seq`, perhaps a gap record that begins before it; 0 when there is none.
  Result<Sequence> end_of(StreamIndex stream, Sequence seq);

  /// Of rows numbered `first`..`last`; their payloads are not read.
  Result<RowSum> sum(StreamIndex stream, Sequence first, Sequence last);

  struct Place {
    Sequence seq = 0;
    std::uint32_t boot = 0;
    BootTime time{};
  };
  /// First row from number `from` on.
  Result<std::optional<Place>> first(StreamIndex stream, Sequence from);
  /// The same, passing over gap records.
  Result<std::optional<Place>> first_with_samples(StreamIndex stream, Sequence from);

  /// Shows the rows from number `from` on to `visit`, until it returns false: `row` without the payload unless it is a
  /// gap record's, and how long that is.
  Status scan(StreamIndex stream, Sequence from,
              const std::function<bool(const Row& row, std::uint64_t payload_bytes)>& visit);

  /// Deletes the rows numbered `first`..`last`: the caller bounds them.
  Status remove(StreamIndex stream, Sequence first, Sequence last);

  /// Deletes the oldest rows numbered `first`..`last`, as many as one commit should. Returns up to which number none
  /// is left.
  Result<Sequence> remove_some(StreamIndex stream, Sequence first, Sequence last);

 private:
  Result<std::optional<Place>> place(Statement& statement, StreamIndex stream, Sequence from);
  Result<Sequence> end_of_step(std::int64_t first_id, std::int64_t last_id);

  Status insert(Statement& statement, StreamIndex stream, const Row& row);

  Statement insert_;
  Statement insert_if_absent_;
  Statement read_;
  Statement last_until_;
  Statement sum_;
  Statement first_;
  Statement first_with_samples_;
  Statement scan_;
  Statement sizes_;
  Statement remove_;
};

}  // namespace outrider
