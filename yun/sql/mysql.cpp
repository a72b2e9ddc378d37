#include "yun/sql/mysql.hpp"

#include <algorithm>
#include <mutex>
#include <thread>
#include <vector>

#include "yun/base/ids.hpp"
#include "yun/base/strings.hpp"
#include "yun/runtime/threads.hpp"
#include "yun/sql/mysql_connection.hpp"

namespace yun::sql {

namespace {

using ConnectionPtr = std::unique_ptr<MysqlConnection>;
constexpr int kMostTries = 10;                                     // of a transaction that meets deadlocks
constexpr Duration kFirstPause = std::chrono::milliseconds(4);     // doubled each time, with full jitter
constexpr Duration kLongestPause = std::chrono::milliseconds(200);
constexpr Duration kAwayPause = std::chrono::milliseconds(500);    // so long nobody tries to connect after a failure: calls fail at once

Error given_up() { return cancelled("the call was given up"); }

constexpr Duration kLongestLock = std::chrono::hours(1);

/// One call between the loop that waits for it and the thread that runs it.
class Call {
 public:
  explicit Call(TimePoint deadline) : deadline_(deadline) {}
  TimePoint deadline() const { return deadline_; }

  /// The loop's side: nobody waits any more. What runs is cut off.
  void give_up() {
    std::lock_guard lock(mutex_);
    given_up_ = true;
    if (running_) running_->interrupt();
  }
  /// The thread's side: from here to leave() the connection may be cut off. False: given up already.
  bool enter(MysqlConnection& connection) {
    std::lock_guard lock(mutex_);
    if (given_up_ || Clock::now() >= deadline_) return false;
    running_ = &connection;
    return true;
  }
  /// True if it was given up meanwhile.
  bool leave() {
    std::lock_guard lock(mutex_);
    running_ = nullptr;
    return given_up_;
  }
  bool is_given_up() {
    std::lock_guard lock(mutex_);
    return given_up_;
  }

 private:
  const TimePoint deadline_;
  std::mutex mutex_;
  MysqlConnection* running_ = nullptr;
  bool given_up_ = false;
};
using CallPtr = std::shared_ptr<Call>;

/// The connections that no call has.
class Connections {
 public:
  Connections(MysqlTarget target, const PoolOptions& options) : target_(std::move(target)), options_(options) {}

  Result<ConnectionPtr> take() {
    for (;;) {
      ConnectionPtr idle = pop();
      if (!idle) break;
      if (idle->is_alive(Clock::now())) return idle;
    }
    return connect();
  }

  void give_back(ConnectionPtr connection) {
    std::vector<ConnectionPtr> old;  // closed outside of the lock
    const TimePoint now = Clock::now();
    std::lock_guard lock(mutex_);
    if (!connection->is_broken()) {
      connection->rest(now);
      idle_.push_back(std::move(connection));
    }
    // The one used last is taken first, so the front has idled longest.
    const auto fresh = std::find_if(idle_.begin(), idle_.end(), [&](const ConnectionPtr& each) { return now - each->idle_since() < options_.max_idle; });
    std::move(idle_.begin(), fresh, std::back_inserter(old));
    idle_.erase(idle_.begin(), fresh);
  }

  /// Tells the server to drop what a call that was given up has left running, with its locks. Best effort.
  void kill(unsigned long id, TimePoint opened) {
    auto connection = take();
    if (!connection) return;
    const Duration age = Clock::now() - opened;
    // Ids begin anew when a server does: then this one is somebody else's.
    if (auto up = uptime(**connection); up && *up + std::chrono::seconds(1) >= age) {
      (void)(*connection)->script("kill " + std::to_string(id));  // it may have ended by itself
    }
    give_back(*std::move(connection));
  }

 private:
  static Result<Duration> uptime(MysqlConnection& connection) {
    YUN_GET(rows, connection.query("show global status like 'Uptime'", {}, Take::First));
    const auto* text = rows.cells.size() == 2 ? std::get_if<std::string>(&rows.cells[1]) : nullptr;
    const auto seconds = text ? parse_u64(*text) : std::nullopt;
    if (!seconds) return internal_error("the server does not tell its uptime");
    return Duration(std::chrono::seconds(*seconds));
  }

  ConnectionPtr pop() {
    std::lock_guard lock(mutex_);
    if (idle_.empty()) return nullptr;
    ConnectionPtr connection = std::move(idle_.back());
    idle_.pop_back();
    return connection;
  }

  Result<ConnectionPtr> connect() {
    {
      std::lock_guard lock(mutex_);
      if (away_ && Clock::now() < next_try_) return *away_;
    }
    auto connection = MysqlConnection::open(target_, options_);
    std::lock_guard lock(mutex_);
    away_.reset();
    if (!connection && connection.error().reason() == "sql_unavailable") {
      away_ = connection.error();
      next_try_ = Clock::now() + std::chrono::duration_cast<Duration>(kAwayPause * (0.5 + random_unit()));
    }
    return connection;
  }

  const MysqlTarget target_;
  const PoolOptions options_;
  std::mutex mutex_;
  std::vector<ConnectionPtr> idle_;
  std::optional<Error> away_;  ///< why the last attempt to connect failed
  TimePoint next_try_;
};

/// Sleeps before another try. False: no time is left, or nobody waits.
bool pause(Call& call, int tries) {
  const Duration longest = std::min<Duration>(kLongestPause, kFirstPause * (1 << tries));
  const auto wait = std::chrono::duration_cast<Duration>(longest * random_unit());
  if (call.is_given_up() || Clock::now() + wait >= call.deadline()) return false;
  std::this_thread::sleep_for(wait);
  return true;
}

Result<void> run_once(MysqlConnection& connection, Work& work, Isolation isolation) {
  if (auto begun = connection.begin(isolation); !begun) return begun;
  Result<void> outcome = call(work, connection);
  if (connection.lost()) outcome = *connection.lost();
  if (outcome) outcome = connection.commit();
  if (!outcome) connection.rollback();
  return outcome;
}

/// Locks of GET_LOCK are the server's, not the database's, and go with their connection.
Result<void> under_lock(MysqlConnection& connection, std::string_view name, TimePoint deadline, Work& work) {
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(std::min<Duration>(deadline - Clock::now(), kLongestLock));
  const std::vector<Value> wanted = {std::string(name), static_cast<std::int64_t>(left.count())};
  YUN_GET(got, connection.query("select get_lock(concat(left(database(), 40), '.', ?), ?)", wanted, Take::First));
  const auto* one = got.cells.size() == 1 ? std::get_if<std::int64_t>(&got.cells[0]) : nullptr;
  if (!one || *one != 1) return unavailable("another process holds the lock \"" + std::string(name) + "\" of the database").with_reason("sql_locked");
  Result<void> outcome = call(work, connection);
  if (!connection.is_broken() && !connection.query("select release_lock(concat(left(database(), 40), '.', ?))", std::span(wanted).first(1), Take::First))
    connection.interrupt();
  return outcome;
}

bool is_conflict(const Result<void>& outcome) {
  return !outcome && (outcome.error().reason() == "sql_deadlock" || outcome.error().reason() == "sql_lock_timeout");
}

class Mysql final : public Driver {
 public:
  Mysql(MysqlTarget target, const PoolOptions& options)
      : options_(options),
        place_{.host = target.socket.empty() ? target.host : target.socket, .port = target.port, .database = target.database},
        connections_(std::move(target), options),
        threads_({.threads = std::max(1U, options.max_connections), .max_queued = options.max_queued_reads + options.max_queued_writes}) {}

  Task<Result<Rows>> query(Cancel& cancel, Statement statement) override {
    reads_.fetch_add(1, std::memory_order_relaxed);
    auto shared = std::make_shared<Statement>(std::move(statement));
    auto work = [shared](MysqlConnection& connection, Call&) { return connection.query(shared->text, shared->args, shared->take); };
    return run<Rows>(cancel, std::move(work));
  }

  Task<Result<Changes>> execute(Cancel& cancel, Statement statement) override {
    auto shared = std::make_shared<Statement>(std::move(statement));
    auto work = [this, shared](MysqlConnection& connection, Call& call) -> Result<Changes> {
      for (int tries = 0;; ++tries) {
        Result<Changes> changes = connection.execute(shared->text, shared->args);
        if (!changes && changes.error().code() == Code::Aborted && !connection.is_broken() && tries < kMostTries && pause(call, tries)) continue;
        count(changes.ok());
        return changes;
      }
    };
    return run<Changes>(cancel, std::move(work));
  }

  Task<Result<void>> transaction(Cancel& cancel, Work work) override {
    auto shared = std::make_shared<Work>(std::move(work));
    auto tried = [this, shared](MysqlConnection& connection, Call& call) -> Result<void> {
      for (int tries = 0;; ++tries) {
        Result<void> outcome = run_once(connection, *shared, options_.isolation);
        if (is_conflict(outcome) && !connection.is_broken() && tries < kMostTries && pause(call, tries)) continue;
        count(outcome.ok());
        return outcome;
      }
    };
    return run<void>(cancel, std::move(tried));
  }

  Dialect dialect() const override { return Dialect::Mysql; }
  Place place() const override { return place_; }

  Task<Result<void>> exclusively(Cancel& cancel, std::string name, Work work) override {
    auto shared = std::make_shared<Work>(std::move(work));
    auto locked = [shared, name = std::move(name)](MysqlConnection& connection, Call& call) -> Result<void> {
      return under_lock(connection, name, call.deadline(), *shared);
    };
    return run<void>(cancel, std::move(locked));
  }

  Stats stats() const override {
    return {.reads = reads_.load(std::memory_order_relaxed),
            .transactions = transactions_.load(std::memory_order_relaxed),
            .rolled_back = rolled_back_.load(std::memory_order_relaxed),
            .commits = transactions_.load(std::memory_order_relaxed),
            .skipped = skipped_.load(std::memory_order_relaxed),
            .refused = refused_.load(std::memory_order_relaxed),
            .queued = threads_.queued(),
            .busy = busy_.load(std::memory_order_relaxed),
            .limit = std::max(1U, options_.max_connections)};
  }

 private:
  void count(bool committed) { (committed ? transactions_ : rolled_back_).fetch_add(1, std::memory_order_relaxed); }

  template <typename T, typename F>
  Task<Result<T>> run(Cancel& cancel, F work) {
    auto call = std::make_shared<Call>(cancel.deadline());
    auto job = [this, call, work = std::move(work)]() mutable { return run_here<T>(*call, work); };
    auto running = threads_.run(cancel, std::move(job));
    auto outcome = co_await std::move(running);
    if (!outcome) {
      call->give_up();  // of no effect if it has ended
      if (outcome.error().reason() == "blocking_pool_full") {
        refused_.fetch_add(1, std::memory_order_relaxed);
        co_return unavailable("too many calls wait for the database").with_reason("sql_queue_full").with_retry_after(std::chrono::seconds(1));
      }
    }
    co_return outcome;
  }

  /// A thread, and so a connection, that is at work.
  class Busy {
   public:
    explicit Busy(std::atomic<std::uint64_t>& count) : count_(count) { count_.fetch_add(1, std::memory_order_relaxed); }
    ~Busy() { count_.fetch_sub(1, std::memory_order_relaxed); }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    std::atomic<std::uint64_t>& count_;
  };

  template <typename T, typename F>
  Result<T> run_here(Call& call, F& work) {
    const Busy busy(busy_);
    if (call.is_given_up() || Clock::now() >= call.deadline()) {
      skipped_.fetch_add(1, std::memory_order_relaxed);
      return deadline_exceeded("deadline exceeded in the database's queue");
    }
    auto taken = connections_.take();
    if (!taken) return std::move(taken).error();
    ConnectionPtr connection = *std::move(taken);
    if (!call.enter(*connection)) {
      connections_.give_back(std::move(connection));
      return given_up();
    }
    Result<T> outcome = work(*connection, call);
    const bool cut = call.leave();
    if (cut) {
      const unsigned long id = connection->id();
      const TimePoint opened = connection->opened();
      connection.reset();
      connections_.kill(id, opened);
      return given_up();
    }
    connections_.give_back(std::move(connection));
    return outcome;
  }

  const PoolOptions options_;
  const Place place_;
  std::atomic<std::uint64_t> reads_{0};
  std::atomic<std::uint64_t> transactions_{0};
  std::atomic<std::uint64_t> rolled_back_{0};
  std::atomic<std::uint64_t> skipped_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> busy_{0};
  Connections connections_;
  runtime::BlockingPool threads_;  // the last: ends before what its threads use
};

}  // namespace

Result<std::shared_ptr<Driver>> open_mysql(std::string_view rest, const PoolOptions& options) {
  YUN_GET(target, parse_mysql_url(rest));
  return std::shared_ptr<Driver>(std::make_shared<Mysql>(std::move(target), options));
}

}  // namespace yun::sql
