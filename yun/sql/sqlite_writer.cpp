#include "yun/sql/sqlite_writer.hpp"

#include <algorithm>

namespace yun::sql {

SqliteWriter::SqliteWriter(std::string path, const PoolOptions& options, std::unique_ptr<SqliteConnection> connection)
    : path_(std::move(path)), options_(options), connection_(std::move(connection)), thread_([this] { serve(); }) {}

SqliteWriter::~SqliteWriter() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

Task<Result<void>> SqliteWriter::run(Cancel& cancel, Work work) {
  auto caller = std::make_shared<runtime::detail::Remote<Result<void>>>();
  Job job{.work = std::move(work), .caller = caller, .deadline = cancel.deadline(), .outcome = {}};
  if (!submit(std::move(job))) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    co_return unavailable("too many writes wait for the database").with_reason("sql_queue_full").with_retry_after(std::chrono::seconds(1));
  }
  auto waited = co_await caller->done.wait(cancel);
  if (!waited) {
    caller->abandon();
    co_return std::move(waited).error();
  }
  co_return std::move(*caller->value);
}

void SqliteWriter::add_to(Stats& stats) const {
  stats.transactions = transactions_.load(std::memory_order_relaxed);
  stats.rolled_back = rolled_back_.load(std::memory_order_relaxed);
  stats.commits = commits_.load(std::memory_order_relaxed);
  stats.skipped = skipped_.load(std::memory_order_relaxed);
  stats.refused = refused_.load(std::memory_order_relaxed);
  std::lock_guard lock(mutex_);
  stats.queued = queue_.size();
}

bool SqliteWriter::submit(Job job) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= options_.max_queued_writes) return false;
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void SqliteWriter::serve() {
  std::vector<Job> group;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) break;
      const std::size_t count = std::min(queue_.size(), std::max<std::size_t>(1, options_.max_group));
      std::move(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count), std::back_inserter(group));
      queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count));
    }
    run_group(group);
    group.clear();
  }
  std::lock_guard lock(mutex_);
  for (Job& job : queue_) {
    job.outcome = cancelled("database is being closed");
    answer(job);
  }
  queue_.clear();
}

void SqliteWriter::run_group(std::vector<Job>& jobs) {
  const auto skipped = std::erase_if(jobs, [this](Job& job) { return is_gone(job); });
  skipped_.fetch_add(skipped, std::memory_order_relaxed);
  for (std::size_t first = 0; first < jobs.size();) {
    std::size_t next = first;
    Result<void> done = begin();
    if (done) {
      next = run_jobs(jobs, first);
      const bool keep = std::any_of(jobs.begin() + static_cast<std::ptrdiff_t>(first), jobs.begin() + static_cast<std::ptrdiff_t>(next),
                                    [](const Job& job) { return job.outcome.ok(); });
      done = connection_->lost() ? Result<void>(*connection_->lost()) : commit(keep);
    } else {
      next = jobs.size();
    }
    for (; first < next; ++first) {
      Job& job = jobs[first];
      // Not even an error stands when the commit failed: it may come from what another transaction of the group had written.
      if (!done) job.outcome = done;
      (job.outcome ? transactions_ : rolled_back_).fetch_add(1, std::memory_order_relaxed);
      answer(job);
    }
    if (!done && done.error().reason() == "storage_full") connection_->checkpoint();
  }
}

std::size_t SqliteWriter::run_jobs(std::vector<Job>& jobs, std::size_t next) {
  const bool alone = jobs.size() - next == 1;
  while (next < jobs.size() && !connection_->lost()) run_one(jobs[next++], alone);
  return next;
}

void SqliteWriter::run_one(Job& job, bool alone) {
  if (!alone) {
    job.outcome = connection_->control("savepoint job");
    if (!job.outcome) return;
  }
  job.outcome = call(job.work, *connection_);
  if (job.outcome && connection_->has_open_foreign_keys()) job.outcome = failed_precondition("database: FOREIGN KEY constraint failed");
  if (connection_->lost() || alone) return;
  if (!job.outcome) (void)connection_->control("rollback to job");  // a failure shows at the release or the commit
  Result<void> released = connection_->control("release job");
  if (job.outcome && !released) job.outcome = released;
}

Result<void> SqliteWriter::commit(bool anything_to_keep) {
  if (!anything_to_keep) return connection_->control("rollback");
  commits_.fetch_add(1, std::memory_order_relaxed);
  Result<void> done = connection_->control("commit");
  if (!done && connection_->in_transaction()) (void)connection_->control("rollback");  // the commit's error is the one to tell
  return done;
}

Result<void> SqliteWriter::begin() {
  Result<void> begun = connection_->control("begin immediate");
  if (begun || begun.error().reason() != "storage_full") return begun;
  // The disk failed below an idle connection: what it holds (shared memory, the log's end) may be stale, so try with a new one.
  auto fresh = SqliteConnection::open(path_, Access::Write, options_);
  if (!fresh) return begun;
  connection_ = *std::move(fresh);
  return connection_->control("begin immediate");
}

/// A caller that is past its deadline is answered here: its own loop may not have seen yet that time is over.
bool SqliteWriter::is_gone(Job& job) {
  if (job.caller->is_abandoned()) return true;
  if (Clock::now() < job.deadline) return false;
  job.outcome = deadline_exceeded("deadline exceeded in the database's queue");
  answer(job);
  return true;
}

void SqliteWriter::answer(Job& job) {
  job.work = nullptr;  // what it captured goes before the caller hears
  runtime::detail::deliver(std::move(job.caller), std::move(job.outcome));
}

}  // namespace yun::sql
