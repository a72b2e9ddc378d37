#pragma once
// Inside App: the parts, in the order in which they are made. Not for users.

#include <deque>

#include "yun/app/app.hpp"
#include "yun/app/debug/sections/sections.hpp"
#include "yun/app/front.hpp"
#include "yun/http/client/client.hpp"
#include "yun/http/middleware/defaults.hpp"
#include "yun/http/middleware/pipeline.hpp"
#include "yun/observe/log/log.hpp"
#include "yun/observe/metrics/process.hpp"
#include "yun/observe/trace/trace.hpp"
#include "yun/runtime/threads.hpp"
#include "yun/telemetry/exporter.hpp"

namespace yun {

namespace telemetry::logs {
class Push;
}

struct App::State {
  /// `to_collector` is null if nothing is exported; `sampler` is what OTEL_TRACES_SAMPLER says.
  State(LoadedSettings loaded, std::unique_ptr<telemetry::Exporter> to_collector, const std::optional<observe::trace::Sampler>& sampler)
      : name(std::move(loaded.name)),
        settings(std::move(loaded.app)),
        in_force(std::move(loaded.in_force)),
        exporter(std::move(to_collector)),
        tracer(tracer_options(sampler)),
        front(router, metrics, readiness),
        pipeline(http::default_middleware({.registry = metrics, .tracer = tracer, .overload = overload_options()}), front),
        refused(metrics.counters("http_refused_heads_total", "Requests that the server refused before any handler.", {"reason"})),
        client(client_options()),
        runtime(settings.loops) {
    observe::metrics::add_process_metrics(metrics);
    observe::metrics::add_log_metrics(metrics);
    if (exporter) exporter->add_metrics(metrics);
  }

  http::OverloadOptions overload_options() const {
    using Shedding = http::OverloadOptions::Shedding;
    return {.shedding = settings.overload.shedding ? Shedding::On : Shedding::Off,
            .shedder = {.tolerance = settings.overload.tolerance},
            .max_in_flight = settings.overload.max_in_flight};
  }
  observe::trace::TracerOptions tracer_options(const std::optional<observe::trace::Sampler>& sampler) const {
    observe::trace::TracerOptions options;
    options.sampler = sampler ? *sampler : observe::trace::Sampler::parent_based(settings.trace.ratio);
    options.slow = settings.trace.slow;
    if (!exporter || !exporter->span_sink()) return options;
    options.sinks.push_back(exporter->span_sink());
    options.tail = settings.trace.tail;
    return options;
  }
  http::ClientOptions client_options() {
    http::ClientOptions options;
    options.registry = &metrics;
    return options;
  }

  /// Counts the ejections of a channel's endpoints, by what stands last in its URL: the service, or the address.
  observe::metrics::Counter* ejections(std::string_view url) {
    url = url.substr(0, url.find('?'));
    const auto slash = url.rfind('/');
    const std::string_view upstream = url.substr(slash == std::string_view::npos ? 0 : slash + 1);
    return &metrics.counters("client_ejections_total", "Instances left out for a while because calls to them failed.", {"upstream"}).with({upstream});
  }

  std::string name;
  AppSettings settings;
  std::vector<config::Setting> in_force;
  observe::metrics::Registry metrics;
  std::vector<std::shared_ptr<telemetry::logs::Push>> log_sinks;
  std::vector<observe::metrics::Registry::Registration> log_metrics;
  std::unique_ptr<telemetry::Exporter> exporter;  ///< outlives all that ends spans
  observe::trace::Tracer tracer;
  http::Router router;
  app::Readiness readiness;
  app::Front front;
  http::Pipeline pipeline;
  observe::metrics::Family<observe::metrics::Counter>& refused;
  std::unique_ptr<rpc::Server> grpc;
  http::Client client;
  std::vector<app::debug::Part> parts;
  std::vector<app::debug::Section> own_pages;
  std::vector<std::function<Task<Result<void>>(Context&)>> steps;
  std::vector<std::function<Task<void>(Context&)>> jobs;
  std::vector<std::function<void()>> reloads;
  std::deque<FileWatch> watches;
  /// Of register_service(), made once the address is known.
  struct Enlisted {
    std::function<Task<void>(Context&)> begin;
    std::function<Task<void>()> end;
  };
  std::function<Result<Enlisted>(const runtime::Address&)> enlist;
  unsigned short metrics_port = 0;  ///< where /metrics is: the admin listener's, or the service's own
  int exit_code = 0;
  runtime::Runtime runtime;  ///< the last: its loops end before anything that they used goes
};

}  // namespace yun
