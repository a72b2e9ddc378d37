#pragma once
// A path for a database file of one test, in a folder that goes with the test program. For the room's tests.

#include <unistd.h>

#include <filesystem>
#include <string>

namespace yun::sql {

inline std::string fresh_path() {
  struct Folder {
    std::filesystem::path path = std::filesystem::temp_directory_path() / ("yun_sql_" + std::to_string(::getpid()));
    Folder() { std::filesystem::create_directories(path); }
    ~Folder() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
  };
  static const Folder folder;
  static int count = 0;
  return (folder.path / ("db" + std::to_string(++count) + ".sqlite")).string();
}

}  // namespace yun::sql
