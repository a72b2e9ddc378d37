#include "yun/sql/sqlite.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "yun/sql/conformance.hpp"

namespace yun::sql {
namespace conformance {
namespace {

/// Each pool of these tests has a folder of its own, which goes with the test program.
std::string fresh_path() {
  static int count = 0;
  static struct Folder {
    std::filesystem::path path = std::filesystem::temp_directory_path() / ("yun_sql_" + std::to_string(::getpid()));
    Folder() { std::filesystem::create_directories(path); }
    ~Folder() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
  } folder;
  return (folder.path / ("db" + std::to_string(++count) + ".sqlite")).string();
}

Result<Pool> open_file() { return open("sqlite://" + fresh_path()); }
Result<Pool> open_memory() { return open("sqlite://:memory:"); }

INSTANTIATE_TEST_SUITE_P(SqliteFile, Conformance, testing::Values(&open_file));
INSTANTIATE_TEST_SUITE_P(SqliteMemory, Conformance, testing::Values(&open_memory));

}  // namespace
}  // namespace conformance
}  // namespace yun::sql
