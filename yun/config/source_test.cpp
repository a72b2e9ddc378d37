#include "yun/config/source.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "yun/runtime/threads.hpp"

namespace yun::config {
namespace {

using namespace std::chrono_literals;

class Files : public ::testing::Test {
 protected:
  void TearDown() override { ::unlink(path_.c_str()); }
  void replace(const std::string& text) const {
    std::ofstream(path_ + ".new") << text;
    std::rename((path_ + ".new").c_str(), path_.c_str());
  }
  FileSource source() const { return FileSource(path_, {.watch = {.poll = 1ms, .closed = 1ms, .settle = 1ms, .unclosed = 1ms}, .max_size = 1000}); }
  std::string path_ = ::testing::TempDir() + "yun_source_test_" + std::to_string(::getpid());
};

Task<Result<std::string>> next_of(FileSource& source, Duration patience) {
  Cancel root;
  Cancel cancel(root, Clock::now() + patience);
  auto text = co_await source.next(cancel);
  co_return text;
}

Result<std::string> next(FileSource& source, Duration patience = 10s) { return runtime::block_on(next_of(source, patience)); }

TEST_F(Files, GivesTheTextAtOnceAndThenEachChange) {
  replace("one");
  FileSource file = source();
  EXPECT_EQ(*next(file), "one");
  replace("two");
  EXPECT_EQ(*next(file), "two");
}

TEST_F(Files, IsSilentWhileNothingChanges) {
  replace("one");
  FileSource file = source();
  EXPECT_EQ(*next(file), "one");
  replace("one");  // another inode, the same text
  auto none = next(file, 30ms);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), Code::DeadlineExceeded);
}

TEST_F(Files, SaysOnceThatTheFileIsAwayAndComesBackWithIt) {
  FileSource file = source();
  auto away = next(file);
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().code(), Code::NotFound);
  EXPECT_EQ(next(file, 30ms).error().code(), Code::DeadlineExceeded);
  replace("back");
  EXPECT_EQ(*next(file), "back");
}

TEST_F(Files, RefusesAFileOverItsLimit) {
  replace(std::string(1001, 'x'));
  FileSource file = source();
  EXPECT_EQ(next(file).error().code(), Code::InvalidArgument);
}

}  // namespace
}  // namespace yun::config
