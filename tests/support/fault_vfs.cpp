// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fault_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "agent/base/ensure.h"

namespace outrider {
namespace {

constexpr std::size_t kSectorBytes = 512;  // what a device writes whole or not at all

std::string read_file(const std::string& path) {
  std::string bytes(std::filesystem::file_size(path), '\0');
  std::ifstream file(path, std::ios::binary);
  ENSURE(file.read(bytes.data(), static_cast<std::streamsize>(bytes.size())));
  return bytes;
}

}  // namespace

struct alignas(8) FaultFile {
  sqlite3_file base;  // must be first: SQLite knows no more than this
  FaultVfs* disk;
  FaultVfs::Medium* medium;  ///< None for a temporary file, which no power cut needs to spare.

  static FaultFile& of(sqlite3_file* file) { return *reinterpret_cast<FaultFile*>(file); }
  static sqlite3_file* below(sqlite3_file* file) { return reinterpret_cast<sqlite3_file*>(&of(file) + 1); }
  static FaultVfs& disk_of(sqlite3_vfs* vfs) { return *static_cast<FaultVfs*>(vfs->pAppData); }
  static sqlite3_vfs* below(sqlite3_vfs* vfs) { return disk_of(vfs).below_; }

  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* flags_out);
  static int remove(sqlite3_vfs* vfs, const char* path, int sync_directory);
  static int access(sqlite3_vfs* vfs, const char* path, int flags, int* answer);
  static int read(sqlite3_file* file, void* bytes, int count, sqlite3_int64 offset);
  static int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset);
  static int truncate(sqlite3_file* file, sqlite3_int64 size);
  static int sync(sqlite3_file* file, int flags);
  static int control(sqlite3_file* file, int operation, void* argument);
};

namespace {

template <auto Method>
struct Pass;
template <class Result, class... Values, Result (*sqlite3_vfs::*Method)(sqlite3_vfs*, Values...)>
struct Pass<Method> {
  static Result on(sqlite3_vfs* vfs, Values... values) {
    return (FaultFile::below(vfs)->*Method)(FaultFile::below(vfs), values...);
  }
};
template <class Result, class... Values, Result (*sqlite3_io_methods::*Method)(sqlite3_file*, Values...)>
struct Pass<Method> {
  static Result on(sqlite3_file* file, Values... values) {
    return (FaultFile::below(file)->pMethods->*Method)(FaultFile::below(file), values...);
  }
};

/// Version 1: neither shared memory nor mapped files, which could not be made to fail.
const sqlite3_io_methods* methods() {
  using Methods = sqlite3_io_methods;
  static constexpr Methods kMethods = {
      .iVersion = 1,
      .xClose = Pass<&Methods::xClose>::on,
      .xRead = FaultFile::read,
      .xWrite = FaultFile::write,
      .xTruncate = FaultFile::truncate,
      .xSync = FaultFile::sync,
      .xFileSize = Pass<&Methods::xFileSize>::on,
      .xLock = Pass<&Methods::xLock>::on,
      .xUnlock = Pass<&Methods::xUnlock>::on,
      .xCheckReservedLock = Pass<&Methods::xCheckReservedLock>::on,
      .xFileControl = FaultFile::control,
      .xSectorSize = Pass<&Methods::xSectorSize>::on,
      .xDeviceCharacteristics = Pass<&Methods::xDeviceCharacteristics>::on,
      .xShmMap = nullptr,
      .xShmLock = nullptr,
      .xShmBarrier = nullptr,
      .xShmUnmap = nullptr,
      .xFetch = nullptr,
      .xUnfetch = nullptr,
  };
  return &kMethods;
}

}  // namespace

// What SQLite calls.

int FaultFile::open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* flags_out) {
  FaultVfs& disk = disk_of(vfs);
  of(file) = {.base = {.pMethods = nullptr}, .disk = &disk, .medium = nullptr};
  if (disk.is_cut_) return SQLITE_CANTOPEN;
  if (path != nullptr) of(file).medium = &disk.medium(path);
  const int code = below(vfs)->xOpen(below(vfs), path, below(file), flags, flags_out);
  if (below(file)->pMethods != nullptr) file->pMethods = methods();
  return code;
}

int FaultFile::remove(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  FaultVfs& disk = disk_of(vfs);
  if (!disk.begin_change()) return SQLITE_IOERR_DELETE;
  disk.media_.erase(path);
  return below(vfs)->xDelete(below(vfs), path, sync_directory);
}

int FaultFile::access(sqlite3_vfs* vfs, const char* path, int flags, int* answer) {
  if (disk_of(vfs).is_cut_) return SQLITE_IOERR_ACCESS;
  return below(vfs)->xAccess(below(vfs), path, flags, answer);
}

int FaultFile::read(sqlite3_file* file, void* bytes, int count, sqlite3_int64 offset) {
  FaultVfs& disk = *of(file).disk;
  if (disk.is_cut_) return SQLITE_IOERR_READ;
  if (const auto code = disk.injected(FaultVfs::Operation::kRead)) return *code;
  return below(file)->pMethods->xRead(below(file), bytes, count, offset);
}

int FaultFile::write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
  FaultVfs& disk = *of(file).disk;
  FaultVfs::Medium* medium = of(file).medium;
  const auto note = [&](int written) {
    if (medium == nullptr) return;
    const auto* begin = static_cast<const char*>(bytes);
    medium->pending.push_back({.offset = offset, .bytes = std::string(begin, begin + written)});
  };
  if (disk.is_cut_) return SQLITE_IOERR_WRITE;
  if (disk.is_last_change()) note(count);  // any part of it may survive
  if (!disk.begin_change()) return SQLITE_IOERR_WRITE;
  const auto failure = disk.injected(FaultVfs::Operation::kWrite);
  const int wanted = !failure ? count : disk.toss() ? count / 2 : 0;
  if (wanted > 0) {
    const int code = below(file)->pMethods->xWrite(below(file), bytes, wanted, offset);
    if (code != SQLITE_OK) return code;
    note(wanted);
  }
  return failure.value_or(SQLITE_OK);
}

int FaultFile::truncate(sqlite3_file* file, sqlite3_int64 size) {
  FaultVfs& disk = *of(file).disk;
  if (!disk.begin_change()) return SQLITE_IOERR_TRUNCATE;
  if (const auto code = disk.injected(FaultVfs::Operation::kResize)) return *code;
  if (of(file).medium != nullptr) of(file).medium->pending.push_back({.offset = size, .is_resize = true});
  return below(file)->pMethods->xTruncate(below(file), size);
}

int FaultFile::sync(sqlite3_file* file, int /*flags*/) {
  FaultVfs& disk = *of(file).disk;
  FaultVfs::Medium* medium = of(file).medium;
  if (!disk.begin_change()) return SQLITE_IOERR_FSYNC;
  if (medium == nullptr || disk.ignores_syncs_) return SQLITE_OK;
  if (const auto code = disk.injected(FaultVfs::Operation::kSync)) {
    medium->durable = disk.survivor(*medium);
    medium->pending.clear();
    return *code;
  }
  for (const FaultVfs::Change& change : medium->pending) FaultVfs::apply(change, medium->durable);
  medium->pending.clear();
  medium->is_entry_durable = true;
  return SQLITE_OK;  // the real file lies in memory anyway
}

int FaultFile::control(sqlite3_file* file, int operation, void* argument) {
  FaultVfs& disk = *of(file).disk;
  const auto* lower = below(file);
  if (operation != SQLITE_FCNTL_SIZE_HINT)
    return lower->pMethods->xFileControl(below(file), operation, argument);
  if (disk.is_cut_) return SQLITE_IOERR_WRITE;
  if (const auto code = disk.injected(FaultVfs::Operation::kResize)) return *code;
  sqlite3_int64 before = 0;
  sqlite3_int64 after = 0;
  lower->pMethods->xFileSize(below(file), &before);
  const int code = lower->pMethods->xFileControl(below(file), operation, argument);
  lower->pMethods->xFileSize(below(file), &after);
  if (after != before && of(file).medium != nullptr)
    of(file).medium->pending.push_back({.offset = after, .is_resize = true});
  return code;
}

// The device.

FaultVfs::FaultVfs(std::uint64_t seed)
    : vfs_(std::make_unique<sqlite3_vfs>()), below_(sqlite3_vfs_find(nullptr)), random_(seed) {
  using Vfs = sqlite3_vfs;
  vfs_->iVersion = 1;
  vfs_->szOsFile = static_cast<int>(sizeof(FaultFile)) + below_->szOsFile;
  vfs_->mxPathname = below_->mxPathname;
  vfs_->zName = "fault";
  vfs_->pAppData = this;
  vfs_->xOpen = FaultFile::open;
  vfs_->xDelete = FaultFile::remove;
  vfs_->xAccess = FaultFile::access;
  vfs_->xFullPathname = Pass<&Vfs::xFullPathname>::on;
  vfs_->xRandomness = Pass<&Vfs::xRandomness>::on;
  vfs_->xSleep = Pass<&Vfs::xSleep>::on;
  vfs_->xCurrentTime = Pass<&Vfs::xCurrentTime>::on;
  vfs_->xGetLastError = Pass<&Vfs::xGetLastError>::on;
  ENSURE(sqlite3_vfs_register(vfs_.get(), /*makeDflt=*/1) == SQLITE_OK);
}

FaultVfs::~FaultVfs() {
  sqlite3_vfs_unregister(vfs_.get());
  sqlite3_vfs_register(below_, /*makeDflt=*/1);
}

FaultVfs::Medium& FaultVfs::medium(const std::string& path) {
  const bool is_there = std::filesystem::exists(path);
  const auto known = media_.find(path);
  if (known != media_.end() && is_there) return known->second;
  Medium fresh;
  if (is_there) fresh.durable = read_file(path);
  fresh.is_entry_durable = is_there;
  return media_.insert_or_assign(path, std::move(fresh)).first->second;
}

bool FaultVfs::begin_change() {
  if (is_last_change()) cut();
  ++changes_;
  return !is_cut_;
}

std::optional<int> FaultVfs::injected(Operation operation) {
  if (is_paused_ || !failure_ || failure_->operation != operation) return std::nullopt;
  if (failure_->after > 0) {
    --failure_->after;
    return std::nullopt;
  }
  if (failure_->times == 0) return std::nullopt;
  --failure_->times;
  ++failures_;
  return failure_->code;
}

void FaultVfs::apply(const Change& change, std::string& image) {
  if (change.is_resize) {
    image.resize(static_cast<std::size_t>(change.offset));
    return;
  }
  const auto offset = static_cast<std::size_t>(change.offset);
  image.resize(std::max(image.size(), offset + change.bytes.size()));
  image.replace(offset, change.bytes.size(), change.bytes);
}

/// The medium after any of the sectors that wait were written: a device orders and tears them as it likes.
std::string FaultVfs::survivor(const Medium& medium) {
  std::string image = medium.durable;
  const std::uint64_t fate = random_() % 4;  // as often all or nothing as a mixture
  for (const Change& change : medium.pending) {
    if (change.is_resize) {
      if (fate == 1 || (fate > 1 && toss())) apply(change, image);
      continue;
    }
    for (std::size_t at = 0; at < change.bytes.size();) {
      const std::size_t in_sector = (static_cast<std::size_t>(change.offset) + at) % kSectorBytes;
      const std::size_t part = std::min(kSectorBytes - in_sector, change.bytes.size() - at);
      if (fate == 1 || (fate > 1 && toss()))
        apply(
            {.offset = change.offset + static_cast<std::int64_t>(at), .bytes = change.bytes.substr(at, part)},
            image);
      at += part;
    }
  }
  return image;
}

void FaultVfs::cut() {
  is_cut_ = true;
  cut_at_.reset();
  for (const auto& [path, medium] : media_) {
    const bool is_there = medium.is_entry_durable || toss();
    survivors_[path] = is_there ? std::optional(survivor(medium)) : std::nullopt;
  }
}

void FaultVfs::restore_power() {
  ENSURE(is_cut_);
  for (const auto& [path, image] : survivors_) {
    std::filesystem::remove(path);
    if (!image) continue;
    std::ofstream file(path, std::ios::binary);
    file.write(image->data(), static_cast<std::streamsize>(image->size()));
    ENSURE(file.flush());
  }
  media_.clear();
  survivors_.clear();
  failure_.reset();
  is_cut_ = false;
}

}  // namespace outrider
