// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/store/outbox.h"
#include "tests/crash/outbox_model.h"
#include "tests/support/fault_vfs.h"
#include "tests/support/memory_file.h"
#include "tests/support/temporary_directory.h"

namespace outrider {

/// One thing that is done to an outbox. What the numbers mean depends on `kind`; any numbers mean something, so that
/// steps can be left out of a script.
struct Step {
  enum class Kind {
    kAppend,
    kCommit,
    kSend,
    kAcknowledge,
    kRead,
    kExpire,
    kBury,
    kRequeue,
    kReopen,
    kKill,
    kCutPower,  ///< At a change some steps later.
    kFault,     ///< Of the storage, once or until healed.
    kHeal,
  };
  Kind kind{};
  std::uint32_t a = 0;
  std::uint32_t b = 0;
};

struct Script {
  std::uint64_t seed = 0;  ///< Of the disk: which unsynced sectors survive.
  std::uint64_t max_bytes = 64U << 20U;
  std::optional<std::uint64_t> cut_at =
      {};                      ///< The change at which the power goes, counted from the beginning.
  bool ignores_syncs = false;  ///< The storage lies.
  std::vector<Step> steps = {};
};
std::string describe(const Script& script);

/// Does a script to an outbox on a disk that fails, and to the model. Throws Disagreement.
class Trial {
 public:
  explicit Trial(const Script& script);
  void run();

  std::uint64_t changes() const { return disk_.changes(); }
  // So that a test can tell that it attacked what it meant to attack.
  std::uint64_t crashes() const { return crashes_; }
  std::uint64_t evicted() const { return evicted_; }
  std::uint64_t expired() const { return expired_; }
  std::uint64_t buried() const { return buried_; }
  std::uint64_t requeued() const { return requeued_; }
  std::uint64_t failed_commits() const { return failed_commits_; }

 private:
  static constexpr std::size_t kStreams = 3;

  void open();
  bool try_open();
  void reopen();
  void crash();
  void take(const Step& step);

  void append(const Step& step);
  void commit();
  void send(const Step& step);
  void acknowledge(const Step& step);
  void compare_read(const Step& step);
  void expire(const Step& step);
  void bury(const Step& step);
  void requeue(const Step& step);
  void inject(const Step& step);

  void stage(std::size_t stream, Row row, std::uint64_t lost);
  void follow_commit();
  void look(const ModelStream::Allowance& allowance, bool is_commit = false);
  void judge_order_of_eviction(const std::vector<std::vector<Sequence>>& gone,
                               const std::vector<Sequence>& newest) const;
  void check_letters();
  bool is_shaky() const { return disk_.failures() != failures_seen_; }

  const Script script_;
  FaultVfs disk_;
  TemporaryDirectory directory_;
  MemoryFile epoch_file_;
  OutboxOptions options_;
  std::unique_ptr<Outbox> outbox_;
  std::string epoch_;
  std::uint32_t boot_ = 0;

  std::vector<ModelStream> model_;
  std::vector<StreamIndex> index_;   ///< By place in model_.
  std::vector<std::size_t> staged_;  ///< Streams of the staged rows, in order.
  struct Letter {
    std::size_t stream = 0;
    Row row;
  };
  std::vector<Letter> buried_rows_;  ///< Every row that was ever buried, or may have been.
  std::uint64_t made_ = 0;           ///< Rows so far; also their time, in milliseconds.

  bool was_full_ = false;            ///< SQLITE_FULL was injected: rows may be evicted.
  std::uint64_t failures_seen_ = 0;  ///< By the last commit that went well.
  std::uint64_t failures_at_open_ = 0;
  std::uint64_t crashes_ = 0;
  std::uint64_t evicted_ = 0;
  std::uint64_t expired_ = 0;
  std::uint64_t buried_ = 0;
  std::uint64_t requeued_ = 0;
  std::uint64_t failed_commits_ = 0;
  std::string refusal_;  ///< Why the last open failed.
};

}  // namespace outrider
