#include "yun/sql/observed.hpp"

#include <algorithm>

#include "yun/base/strings.hpp"
#include "yun/observe/log/log.hpp"

namespace yun::sql {

namespace {

struct Words {
  std::string_view operation;
  std::string_view span;
};
constexpr Words kWords[] = {{"select", "SELECT"}, {"insert", "INSERT"},           {"update", "UPDATE"},
                            {"delete", "DELETE"}, {"transaction", "TRANSACTION"}, {"other", "SQL"}};

const Words& words(Operation operation) { return kWords[static_cast<std::size_t>(operation)]; }

/// The database's own failures are worth a line; what the program decided (not found, conflict, no stock) and callers that left
/// are not.
bool is_fault(Code code) {
  return code == Code::Internal || code == Code::Unavailable || code == Code::DataLoss || code == Code::Unknown;
}

}  // namespace

Operation operation_of(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  text.remove_prefix(first == std::string_view::npos ? text.size() : first);
  for (const Operation known : {Operation::Select, Operation::Insert, Operation::Update, Operation::Delete}) {
    const std::string_view word = name(known);
    if (iequals(text.substr(0, word.size()), word)) return known;
  }
  return Operation::Other;
}

std::string_view table_of(std::string_view text) {
  const auto word = [&text] {
    const auto begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
    text.remove_prefix(begin);
    const std::string_view found = text.substr(0, text.find_first_of(" \t\r\n(,;"));
    text.remove_prefix(found.empty() ? std::min<std::size_t>(text.size(), 1) : found.size());
    return found;
  };
  bool is_next = false;
  while (!text.empty()) {
    const std::string_view one = word();
    if (is_next && !one.empty()) return one;
    is_next = iequals(one, "from") || iequals(one, "into") || iequals(one, "update");
  }
  return {};
}

std::string_view name(Operation operation) { return words(operation).operation; }

Meters::Meters(metrics::Registry& registry, std::string_view pool, const std::shared_ptr<Driver>& driver)
    : queries_(registry.counters("sql_queries_total", "Calls to the database, by what they gave.", {"operation", "code"})) {
  auto& durations = registry.histograms("sql_query_duration_seconds", "How long calls to the database took, waiting included.", {"operation"});
  for (std::size_t i = 0; i < kOperations; ++i) {
    const std::string_view operation = name(static_cast<Operation>(i));
    ok_[i] = &queries_.with({operation, yun::name(Code::Ok)});
    durations_[i] = &durations.with({operation});
  }
  // The driver goes with the pool, and so do these callbacks; a driver on its way out is not held up by a scrape.
  const auto sample = [&](std::string_view metric, std::string_view help, metrics::Kind kind, std::uint64_t Stats::*field) {
    auto collect = [pool = std::string(pool), weak = std::weak_ptr<Driver>(driver), field](const metrics::Sample& take) {
      if (const auto alive = weak.lock()) take({pool}, static_cast<double>(alive->stats().*field));
    };
    return registry.callback(metric, help, kind, {"pool"}, std::move(collect));
  };
  callbacks_[0] = sample("sql_write_queue_length", "Write transactions that wait; of a server's pool all calls that do.", metrics::Kind::Gauge, &Stats::queued);
  callbacks_[1] = sample("sql_transactions_total", "Write transactions committed.", metrics::Kind::Counter, &Stats::transactions);
  callbacks_[2] = sample("sql_commits_total", "Commits made for them, each a wait for the disk.", metrics::Kind::Counter, &Stats::commits);
  callbacks_[3] = sample("sql_refused_total", "Calls refused because too many waited.", metrics::Kind::Counter, &Stats::refused);
  if (driver->stats().limit == 0) return;
  callbacks_[4] = sample("sql_connections_busy", "Connections to the server that are at work.", metrics::Kind::Gauge, &Stats::busy);
  callbacks_[5] = sample("sql_connections_limit", "Connections to the server that may be at work at once.", metrics::Kind::Gauge, &Stats::limit);
}

void Meters::count(Operation operation, Code code, Duration duration, const trace::SpanContext& trace) const {
  const auto i = static_cast<std::size_t>(operation);
  metrics::Counter& counter = code == Code::Ok ? *ok_[i] : queries_.with({name(operation), yun::name(code)});
  counter.add();
  durations_[i]->observe(duration, trace);
}

Observed::Observed(const Meters* meters, Context& ctx, Operation operation)
    : meters_(meters), ctx_(ctx), operation_(operation), began_(Clock::now()), span_(ctx, words(operation).span, trace::Kind::Client) {
}

void Observed::describe(Dialect dialect, const Place& place, std::string_view text) {
  if (!span_.sampled()) return;
  const std::string_view table = table_of(text);
  name_ = words(operation_).span;
  if (!table.empty()) name_.append(" ").append(table);
  span_.rename(name_);
  span_.set("db.system.name", dialect == Dialect::Mysql ? "mysql" : "sqlite");
  span_.set("db.operation.name", words(operation_).span);
  if (!table.empty()) span_.set("db.collection.name", table);
  if (!text.empty()) span_.set("db.query.text", text);
  if (!place.database.empty()) span_.set("db.namespace", place.database);
  if (place.host.empty()) return;
  span_.set("server.address", place.host);
  span_.set("server.port", place.port);
}

void Observed::finish(const Error* error) {
  const Duration took = Clock::now() - began_;
  if (meters_) meters_->count(operation_, error ? error->code() : Code::Ok, took, ctx_.trace());
  if (error && is_fault(error->code())) {
    span_.fail(*error);
    // A database that is away fails each call alike: one line a second tells that, the access log has them all.
    static observe::log::Occasional away(std::chrono::seconds(1));
    const auto missed = error->code() == Code::Unavailable ? away.pass() : std::optional<std::uint64_t>(0);
    if (missed) observe::log::warn(ctx_, "database call failed", {{"operation", name(operation_)}, {"error", *error}, {"seconds", took}, {"missed_lines", *missed}});
  }
  span_.end();
}

}  // namespace yun::sql
