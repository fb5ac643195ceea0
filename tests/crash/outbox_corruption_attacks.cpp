// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/outbox_corruption_attacks.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "agent/store/sqlite.h"

namespace outrider {
namespace fs = std::filesystem;
using Random = CorruptionRandom;

constexpr std::uint64_t kPage = 4096;

void overwrite(const std::string& path, std::uint64_t at, const std::string& bytes) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(at));
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(file.good());
}

std::string garbage(Random& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

namespace {

std::uint64_t pages_of(const std::string& path) { return fs::file_size(path) / kPage; }

std::string read_page(const std::string& path, std::uint64_t page) {
  std::string bytes(kPage, '\0');
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(page * kPage));
  file.read(bytes.data(), kPage);
  return bytes;
}

void flip_bytes(const std::string& path, std::uint64_t page, Random& random) {
  for (int i = 0; i < 4; ++i) overwrite(path, page * kPage + random() % kPage, garbage(random, 1));
}

/// Bytes of the log that are in use: it has its full length from the beginning.
std::uint64_t used_log(const std::string& log) {
  std::ifstream file(log, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::size_t last = bytes.find_last_not_of('\0');
  return last == std::string::npos ? 0 : last + 1;
}

void edit(const std::string& path, const std::string& sql) {
  Result<std::unique_ptr<Database>> database = Database::open(path);
  REQUIRE(database);
  REQUIRE((*database)->execute(sql));
}

}  // namespace

std::vector<CorruptionAttack> corruption_attacks() {  // NOLINT(readability-function-size): a table
  return {
      {"nothing", false, [](const std::string&, Random&) {}},
      {"bytes flipped in a page", false,
       [](const std::string& path, Random& random) { flip_bytes(path, random() % pages_of(path), random); }},
      {"a page is zeros", false,
       [](const std::string& path, Random& random) {
         overwrite(path, random() % pages_of(path) * kPage, std::string(kPage, '\0'));
       }},
      {"a page is garbage", false,
       [](const std::string& path, Random& random) {
         overwrite(path, random() % pages_of(path) * kPage, garbage(random, kPage));
       }},
      {"ten pages are garbage", false,
       [](const std::string& path, Random& random) {
         for (int i = 0; i < 10; ++i)
           overwrite(path, random() % pages_of(path) * kPage, garbage(random, kPage));
       }},
      {"two pages swapped", false,
       [](const std::string& path, Random& random) {
         const std::uint64_t one = random() % pages_of(path);
         const std::uint64_t other = random() % pages_of(path);
         const std::string bytes = read_page(path, one);
         overwrite(path, one * kPage, read_page(path, other));
         overwrite(path, other * kPage, bytes);
       }},
      {"a page is a copy of another", false,
       [](const std::string& path, Random& random) {
         overwrite(path, random() % pages_of(path) * kPage, read_page(path, random() % pages_of(path)));
       }},
      {"the first page is zeros", false,
       [](const std::string& path, Random&) { overwrite(path, 0, std::string(kPage, '\0')); }},
      {"the header is garbage", false,
       [](const std::string& path, Random& random) { overwrite(path, 0, garbage(random, 100)); }},
      {"the file is cut short", false,
       [](const std::string& path, Random& random) {
         fs::resize_file(path, random() % fs::file_size(path));
       }},
      {"the file is empty", false, [](const std::string& path, Random&) { fs::resize_file(path, 0); }},
      {"the file is gone", false, [](const std::string& path, Random&) { fs::remove(path); }},
      {"the file is a text", false,
       [](const std::string& path, Random&) { std::ofstream(path) << std::string(9'000, 'x'); }},
      {"another program's file", false,
       [](const std::string& path, Random&) {
         fs::remove(path + "-wal");
         fs::remove(path);
         edit(path, "CREATE TABLE song(title TEXT)");
       }},
      {"a newer version's file", false,
       [](const std::string& path, Random&) { edit(path, "PRAGMA user_version=99"); }},
      {"a directory", false,
       [](const std::string& path, Random&) {
         fs::remove(path);
         fs::create_directory(path);
       }},
      {"the log is gone", true, [](const std::string& path, Random&) { fs::remove(path + "-wal"); }},
      {"the log is cut short", true,
       [](const std::string& path, Random& random) {
         fs::resize_file(path + "-wal", random() % std::max<std::uint64_t>(used_log(path + "-wal"), 1));
       }},
      {"the log is garbage", true,
       [](const std::string& path, Random& random) {
         overwrite(path + "-wal", 0, garbage(random, fs::file_size(path + "-wal")));
       }},
      {"a byte of the log flipped", true,
       [](const std::string& path, Random& random) {
         overwrite(path + "-wal", random() % std::max<std::uint64_t>(used_log(path + "-wal"), 1),
                   garbage(random, 1));
       }},
      {"the file emptied, its log kept", true,
       [](const std::string& path, Random&) { fs::resize_file(path, 0); }},
      {"both: a page, and the log", true,
       [](const std::string& path, Random& random) {
         flip_bytes(path, random() % pages_of(path), random);
         overwrite(path + "-wal", random() % std::max<std::uint64_t>(used_log(path + "-wal"), 1),
                   garbage(random, 1));
       }},
  };
}

}  // namespace outrider
