#pragma once
// The one thread that writes: takes what is queued, runs it inside one transaction, answers after its one commit. Private to the
// driver.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "yun/runtime/threads.hpp"
#include "yun/sql/sqlite_connection.hpp"

namespace yun::sql {

class SqliteWriter {
 public:
  /// `connection` is the first one; another is opened on `path` if the disk makes this one useless.
  SqliteWriter(std::string path, const PoolOptions& options, std::unique_ptr<SqliteConnection> connection);
  /// Finishes the group that runs; what is still queued gets Cancelled.
  ~SqliteWriter();
  SqliteWriter(const SqliteWriter&) = delete;
  SqliteWriter& operator=(const SqliteWriter&) = delete;

  /// Ok once committed. See Driver::transaction.
  Task<Result<void>> run(Cancel& cancel, Work work);
  void add_to(Stats& stats) const;

 private:
  struct Job {
    Work work;
    std::shared_ptr<runtime::detail::Remote<Result<void>>> caller;
    TimePoint deadline;
    Result<void> outcome;
  };

  bool submit(Job job);
  void serve();
  void run_group(std::vector<Job>& jobs);
  /// Runs jobs from `next` on until one makes SQLite roll everything back, or all have run. Gives the first that has not run.
  std::size_t run_jobs(std::vector<Job>& jobs, std::size_t next);
  void run_one(Job& job, bool alone);
  Result<void> commit(bool anything_to_keep);
  Result<void> begin();
  bool is_gone(Job& job);
  void answer(Job& job);

  const std::string path_;
  const PoolOptions options_;
  std::unique_ptr<SqliteConnection> connection_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> queue_;
  bool stopping_ = false;
  std::atomic<std::uint64_t> transactions_{0};
  std::atomic<std::uint64_t> rolled_back_{0};
  std::atomic<std::uint64_t> commits_{0};
  std::atomic<std::uint64_t> skipped_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::thread thread_;
};

}  // namespace yun::sql
