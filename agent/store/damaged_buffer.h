// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/store/page_file.h"
#include "agent/store/salvage_evidence.h"
#include "agent/store/sqlite.h"

namespace outrider {

/// Looks at what can be read of a buffer that nobody uses, damaged or not; changes nothing.
///
/// Order    rows of a stream come with growing numbers. Those that were acknowledged, as far as the file says, do not.
class DamagedBuffer {
 public:
  /// Errors  kReject: there is no such file, nothing of a buffer in it, or it is in use. kRetry: it cannot be read now.
  static Result<std::unique_ptr<DamagedBuffer>> open(const std::string& path);

  const Evidence& evidence() const { return evidence_; }
  /// Ids of boots by their keys, as far as they can be read, and how their times relate to UTC.
  const std::map<std::uint32_t, std::string>& boots() const { return boots_; }
  const std::vector<OffsetEntry>& offsets() const { return offsets_; }

  using Visit = std::function<Status(StreamIndex stream, Row row)>;
  /// Ends with the first error of `visit`.
  Status visit_rows(const Visit& visit);

 private:
  DamagedBuffer(const std::string& path, std::unique_ptr<Database> sql);
  void read_boots();
  bool is_wanted(StreamIndex stream, const Row& row) const;

  std::unique_ptr<Database> sql_;  ///< Null when SQLite does not open it.
  PageFile pages_;
  Evidence evidence_;
  std::map<std::uint32_t, std::string> boots_;
  std::vector<OffsetEntry> offsets_;
};

}  // namespace outrider
