#include "yun/config/file_watch.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "yun/config/yaml.hpp"
#include "yun/runtime/threads.hpp"

namespace yun::config {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

Task<bool> changed_within(FileWatch& watch, Duration patience) {
  Cancel root;
  Cancel cancel(root, Clock::now() + patience);
  auto changed = co_await watch.changed(cancel);
  co_return changed.ok();
}

/// A folder of its own; no poll in time, so that only what the kernel tells is seen, unless a test says otherwise.
class FileWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_);
    write("one");
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const std::string& text) const { std::ofstream(path_) << text; }
  void replace(const std::string& text) const {
    std::ofstream(path_ + ".new") << text;
    fs::rename(path_ + ".new", path_);
  }
  FileWatch watch(Duration poll = 1h) const { return FileWatch(path_, {.poll = poll, .closed = 1ms, .settle = 1ms, .unclosed = 1h}); }
  bool tells(FileWatch& watch, Duration patience = 10s) const { return runtime::block_on(changed_within(watch, patience)); }

  std::string folder_ = ::testing::TempDir() + "yun_file_watch_" + std::to_string(::getpid());
  std::string path_ = folder_ + "/file";
};

TEST_F(FileWatchTest, ARenameOverTheFileIsToldAgainAndAgain) {
  FileWatch file = watch();
  for (const char* text : {"two", "three", "four"}) {
    replace(text);
    EXPECT_TRUE(tells(file)) << text;
  }
  EXPECT_FALSE(tells(file, 20ms));
}

TEST_F(FileWatchTest, AFileWrittenInPlaceIsToldOnceItIsClosedAndNotBefore) {
  FileWatch file = watch();
  const int fd = ::open(path_.c_str(), O_WRONLY | O_TRUNC);
  EXPECT_FALSE(tells(file, 20ms));
  EXPECT_TRUE(file.is_being_written());
  ASSERT_EQ(::write(fd, "half", 4), 4);
  EXPECT_FALSE(tells(file, 20ms));
  ::close(fd);
  EXPECT_TRUE(tells(file));
  EXPECT_FALSE(file.is_being_written());
}

TEST_F(FileWatchTest, AWriterThatDoesNotCloseIsWaitedForSoLongAndNoLonger) {
  FileWatch file(path_, {.poll = 1h, .closed = 1ms, .settle = 1ms, .unclosed = 5ms});
  const int fd = ::open(path_.c_str(), O_WRONLY | O_TRUNC);
  EXPECT_TRUE(tells(file));
  ::close(fd);
}

TEST_F(FileWatchTest, AfterARenameTheNewFileIsTheOneThatIsWatched) {
  FileWatch file = watch();
  replace("two");
  EXPECT_TRUE(tells(file));
  const int fd = ::open(path_.c_str(), O_WRONLY | O_TRUNC);
  EXPECT_FALSE(tells(file, 20ms));
  EXPECT_TRUE(file.is_being_written());
  ::close(fd);
  EXPECT_TRUE(tells(file));
}

TEST_F(FileWatchTest, AConfigMapsChangeOfLinksIsTold) {
  fs::remove(path_);
  for (const char* version : {"..1", "..2"}) {
    fs::create_directory(folder_ + "/" + version);
    std::ofstream(folder_ + "/" + version + "/file") << version;
  }
  fs::create_directory_symlink("..1", folder_ + "/..data");
  fs::create_symlink("..data/file", path_);
  FileWatch file = watch();
  fs::create_directory_symlink("..2", folder_ + "/..data_new");
  EXPECT_FALSE(tells(file, 20ms));
  fs::rename(folder_ + "/..data_new", folder_ + "/..data");
  EXPECT_TRUE(tells(file));
}

TEST_F(FileWatchTest, OtherFilesOfTheFolderAreNobodysBusiness) {
  FileWatch file = watch();
  std::ofstream(folder_ + "/log") << "line";
  std::ofstream(folder_ + "/other") << "text";
  fs::rename(folder_ + "/other", folder_ + "/another");
  EXPECT_FALSE(tells(file, 20ms));
}

TEST_F(FileWatchTest, AFileThatGoesAndOneThatComesAreTold) {
  FileWatch file = watch(1ms);
  fs::remove(path_);
  EXPECT_TRUE(tells(file));
  write("back");
  EXPECT_TRUE(tells(file));
}

TEST_F(FileWatchTest, WhatTheKernelDoesNotTellAPollSees) {
  fs::create_directory(folder_ + "/elsewhere");
  const std::string real = folder_ + "/elsewhere/real";
  std::ofstream(real) << "one";
  fs::remove(path_);
  fs::create_symlink("elsewhere/real", path_);
  FileWatch file = watch(1ms);
  std::ofstream(real + ".new") << "another";
  fs::rename(real + ".new", real);  // in a folder that nobody watches
  EXPECT_TRUE(tells(file));
}

TEST_F(FileWatchTest, AChangeBeforeTheFirstCallIsNotLost) {
  FileWatch file = watch();
  replace("two");
  EXPECT_TRUE(tells(file));
}

}  // namespace
}  // namespace yun::config
