// SPDX-License-Identifier: Apache-2.0
#include "agent/store/counting_vfs.h"

#include <sqlite3.h>

#include <cstdint>

#include "agent/base/ensure.h"

namespace outrider {

/// What SQLite holds of an open file; the file of the layer below lies behind it in the same memory.
struct alignas(8) CountedFile {  // 8 is SQLite's own alignment
  sqlite3_file base;             // must be first: SQLite knows no more than this
  CountingVfs* vfs;

  static CountedFile& of(sqlite3_file* file) { return *reinterpret_cast<CountedFile*>(file); }
  static sqlite3_file* below(sqlite3_file* file) { return reinterpret_cast<sqlite3_file*>(&of(file) + 1); }
  static sqlite3_vfs* below(sqlite3_vfs* vfs) { return static_cast<CountingVfs*>(vfs->pAppData)->below_; }

  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* flags_out);
  static int read(sqlite3_file* file, void* bytes, int count, sqlite3_int64 offset);
  static int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset);
  static int sync(sqlite3_file* file, int flags);
};

namespace {

/// Passes a call on to the layer below, unchanged.
template <auto Method>
struct Pass;
template <class Result, class... Values, Result (*sqlite3_vfs::*Method)(sqlite3_vfs*, Values...)>
struct Pass<Method> {
  static Result on(sqlite3_vfs* vfs, Values... values) {
    sqlite3_vfs* below = CountedFile::below(vfs);
    return (below->*Method)(below, values...);
  }
};
template <class Result, class... Values, Result (*sqlite3_io_methods::*Method)(sqlite3_file*, Values...)>
struct Pass<Method> {
  static Result on(sqlite3_file* file, Values... values) {
    sqlite3_file* below = CountedFile::below(file);
    return (below->pMethods->*Method)(below, values...);
  }
};

/// Version 1 of the methods, or 2 with shared memory. Mapped files, version 3, would go past the counters.
constexpr sqlite3_io_methods methods_of_version(int version) {
  using Methods = sqlite3_io_methods;
  return {
      .iVersion = version,
      .xClose = Pass<&Methods::xClose>::on,
      .xRead = CountedFile::read,
      .xWrite = CountedFile::write,
      .xTruncate = Pass<&Methods::xTruncate>::on,
      .xSync = CountedFile::sync,
      .xFileSize = Pass<&Methods::xFileSize>::on,
      .xLock = Pass<&Methods::xLock>::on,
      .xUnlock = Pass<&Methods::xUnlock>::on,
      .xCheckReservedLock = Pass<&Methods::xCheckReservedLock>::on,
      .xFileControl = Pass<&Methods::xFileControl>::on,
      .xSectorSize = Pass<&Methods::xSectorSize>::on,
      .xDeviceCharacteristics = Pass<&Methods::xDeviceCharacteristics>::on,
      .xShmMap = Pass<&Methods::xShmMap>::on,
      .xShmLock = Pass<&Methods::xShmLock>::on,
      .xShmBarrier = Pass<&Methods::xShmBarrier>::on,
      .xShmUnmap = Pass<&Methods::xShmUnmap>::on,
      .xFetch = nullptr,
      .xUnfetch = nullptr,
  };
}

/// Unique among those that live.
std::string name_for(const CountingVfs* vfs) {
  return "outrider-" + std::to_string(reinterpret_cast<std::uintptr_t>(vfs));
}

}  // namespace

int CountedFile::open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* flags_out) {
  static constexpr sqlite3_io_methods kPlain = methods_of_version(1);
  static constexpr sqlite3_io_methods kShared = methods_of_version(2);
  of(file) = {.base = {.pMethods = nullptr}, .vfs = static_cast<CountingVfs*>(vfs->pAppData)};
  sqlite3_file* lower = below(file);
  const int code = below(vfs)->xOpen(below(vfs), path, lower, flags, flags_out);
  // SQLite closes whatever has methods, also after an error.
  if (lower->pMethods != nullptr) file->pMethods = lower->pMethods->iVersion >= 2 ? &kShared : &kPlain;
  return code;
}

int CountedFile::read(sqlite3_file* file, void* bytes, int count, sqlite3_int64 offset) {
  const int code = below(file)->pMethods->xRead(below(file), bytes, count, offset);
  if (const auto& callback = of(file).vfs->on_read_; callback) callback();
  return code;
}

int CountedFile::write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
  const int code = below(file)->pMethods->xWrite(below(file), bytes, count, offset);
  if (code == SQLITE_OK) of(file).vfs->counters_.written_bytes += static_cast<std::uint64_t>(count);
  return code;
}

int CountedFile::sync(sqlite3_file* file, int flags) {
  ++of(file).vfs->counters_.syncs;
  return below(file)->pMethods->xSync(below(file), flags);
}

CountingVfs::CountingVfs()
    : name_(name_for(this)), below_(sqlite3_vfs_find(nullptr)), vfs_(std::make_unique<sqlite3_vfs>()) {
  using Vfs = sqlite3_vfs;
  ENSURE(below_ != nullptr);
  vfs_->iVersion = 1;  // 2 and 3 are about clocks and replaced system calls
  vfs_->szOsFile = static_cast<int>(sizeof(CountedFile)) + below_->szOsFile;
  vfs_->mxPathname = below_->mxPathname;
  vfs_->zName = name();
  vfs_->pAppData = this;
  vfs_->xOpen = CountedFile::open;
  vfs_->xDelete = Pass<&Vfs::xDelete>::on;
  vfs_->xAccess = Pass<&Vfs::xAccess>::on;
  vfs_->xFullPathname = Pass<&Vfs::xFullPathname>::on;
  vfs_->xRandomness = Pass<&Vfs::xRandomness>::on;
  vfs_->xSleep = Pass<&Vfs::xSleep>::on;
  vfs_->xCurrentTime = Pass<&Vfs::xCurrentTime>::on;
  vfs_->xGetLastError = Pass<&Vfs::xGetLastError>::on;
  ENSURE(sqlite3_vfs_register(vfs_.get(), /*makeDflt=*/0) == SQLITE_OK);
}

CountingVfs::~CountingVfs() { sqlite3_vfs_unregister(vfs_.get()); }

}  // namespace outrider
