#include "yun/app/app.hpp"

#include <csignal>
#include <cstdio>
#include <deque>

#include "yun/app/admin.hpp"
#include "yun/app/front.hpp"
#include "yun/app/server_options.hpp"
#include "yun/app/state.hpp"
#include "yun/config/file_watch.hpp"
#include "yun/http/server/server.hpp"
#include "yun/http/tls/tls.hpp"
#include "yun/openapi/openapi.hpp"
#include "yun/rpc/server.hpp"
#include "yun/telemetry/logs/open.hpp"
#include "yun/telemetry/logs/push_metrics.hpp"
#include "yun/telemetry/options.hpp"

namespace yun {

using namespace std::chrono_literals;

namespace {

/// Of each thread: an access line of 350 bytes a request at 300,000 requests a second for the ten milliseconds that the writer may have to wait
/// for its turn on a core that it shares with a loop, and three times more for a busy machine. Only what has waited once takes memory.
constexpr std::size_t kLogRing = 4 << 20;

/// For the telemetry that is left when all else has ended; a collector that is away is not waited for longer.
constexpr Duration kFlush = std::chrono::seconds(2);

struct NoSettings {};

LoadedSettings load_without_settings(std::string_view name, int argc, char** argv) {
  LoadedSettings loaded{std::string(name), {}};
  config::Loader loader({.program = loaded.name, .argc = argc, .argv = argv});
  loader.bind(loaded.app);
  if (auto done = loader.load(); !done) std::exit(config::report(done.error()));
  loaded.in_force = loader.settings();
  return loaded;
}

using LogSinks = std::vector<std::shared_ptr<telemetry::logs::Push>>;

/// To the output, to the collector if it takes lines, and to the sinks of the settings, which are given back.
Result<LogSinks> start_log(const LoadedSettings& settings, const telemetry::Exporter* exporter) {
  YUN_GET(level, observe::log::parse_level(settings.app.log.level));
  LogSinks sinks;
  for (const std::string& url : settings.app.log.sinks) {
    auto opened = telemetry::logs::open(url, settings.name);
    if (!opened) return std::move(opened).error().with_context("log.sinks");
    sinks.push_back(std::move(*opened));
  }
  std::vector<std::shared_ptr<observe::log::Sink>> all{sinks.begin(), sinks.end()};
  if (exporter && exporter->log_sink()) all.push_back(exporter->log_sink());
  auto started =
      observe::log::start({.service = settings.name, .level = level, .output = settings.app.log.output, .ring_size = kLogRing, .sinks = std::move(all)});
  if (!started) return std::move(started).error();
  return sinks;
}

/// The admin listener's address: as given, or loopback ten above the service port (any free port above any free port).
Result<runtime::Address> admin_address(const AppSettings& settings, const runtime::Address& service) {
  if (!settings.admin.empty()) return runtime::Address::parse(settings.admin);
  const auto asked = runtime::Address::parse(settings.listen);
  const bool any = !asked || asked->port() == 0;
  return runtime::Address::parse("127.0.0.1:" + std::to_string(any ? 0 : (service.port() + 10) % 65536));
}

}  // namespace

App::App(std::string_view name, int argc, char** argv) : App(load_without_settings(name, argc, argv)) {}

App::App(LoadedSettings settings) {
  runtime::block_signals();
  const telemetry::Environment environment = telemetry::read_environment(settings.name, "");
  auto exporter = environment.options.any() ? std::make_unique<telemetry::Exporter>(environment.options) : nullptr;
  auto sinks = start_log(settings, exporter.get());
  if (!sinks) {
    std::fprintf(stderr, "%s: %s\n", settings.name.c_str(), sinks.error().message().c_str());
    std::exit(2);
  }
  for (const std::string& complaint : environment.complaints) observe::log::warn("telemetry setting passed over", {{"complaint", complaint}});
  state_ = std::make_unique<State>(std::move(settings), std::move(exporter), environment.sampler);
  state_->log_sinks = std::move(*sinks);
  state_->log_metrics = telemetry::logs::add_metrics(state_->metrics, state_->log_sinks);
  if (state_->exporter) state_->exporter->start();
}

App::~App() {
  observe::log::stop();
  if (state_->exporter) state_->exporter->stop(kFlush);
}

http::Router& App::router() { return state_->router; }
void App::set_handler(http::Handler& handler) { state_->front.set_handler(handler); }

rpc::Server& App::grpc() {
  if (!state_->grpc) {
    state_->grpc = std::make_unique<rpc::Server>(rpc::ServerOptions{.max_message = state_->settings.rpc.max_message.bytes, .registry = &state_->metrics});
    state_->grpc->health().set_serving(false);
    state_->front.set_grpc(*state_->grpc);
  }
  return *state_->grpc;
}

App& App::metrics_on_service_port() {
  state_->front.serve_metrics();
  return *this;
}

observe::metrics::Registry& App::metrics() { return state_->metrics; }
http::Client& App::client() { return state_->client; }

Task<Result<std::string>> App::fetch_text(Context& ctx, std::string url) {
  YUN_TRY(answer, co_await state_->client.get(ctx, url));
  if (answer.status != 200) co_return unavailable(url + " answered " + std::to_string(answer.status));
  YUN_TRY(text, co_await answer.body.all(ctx, 64 << 10));
  co_return std::string(text);
}

void App::before_serving(std::function<Task<Result<void>>(Context&)> step) { state_->steps.push_back(std::move(step)); }
void App::background(std::function<Task<void>(Context&)> job) { state_->jobs.push_back(std::move(job)); }
void App::ready_when(std::string name, std::function<std::string()> missing) { state_->readiness.add(std::move(name), std::move(missing)); }
App& App::debug_page(std::string name, std::string title, std::string about, std::function<json::Value()> describe) {
  state_->own_pages.push_back({std::move(name), std::move(title), std::move(about), std::move(describe)});
  return *this;
}
void App::on_reload(std::function<void()> reload) { state_->reloads.push_back(std::move(reload)); }
void App::watch_file(std::string path, std::function<void()> changed) { state_->watches.push_back({std::move(path), std::move(changed)}); }

int App::fail(const Error& error) {
  observe::log::error("cannot start", {{"error", error}});
  std::fprintf(stderr, "%s: %s\n", state_->name.c_str(), error.message().c_str());
  return 1;
}

// ---- running ----

namespace {

Task<void> watch(Context& ctx, App::FileWatch& wanted) {
  config::FileWatch file(wanted.path);
  for (;;) {
    auto changed = co_await file.changed(ctx);
    if (!changed) co_return;
    wanted.changed();
  }
}

}  // namespace

/// The life of a program, on loop 0: prepare, serve, drain.
Task<void> App::live(http::Server& service, http::Server& admin, runtime::Address bound) {
  State& state = *state_;
  std::optional<State::Enlisted> enlisted;
  runtime::Scope enlisting;
  Context ctx;
  Context starting(ctx);
  runtime::Scope scope;
  runtime::Signals signals;

  for (auto& step : state.steps) {
    auto done = co_await step(ctx);
    if (done) continue;
    state.exit_code = fail(done.error());
    break;
  }
  if (state.exit_code == 0 && state.enlist) {
    auto made = state.enlist(bound);
    if (made) enlisted = *std::move(made);
    if (!made) state.exit_code = fail(made.error());
  }
  if (state.exit_code == 0) {
    for (auto& job : state.jobs) scope.spawn(job(ctx));
    for (auto& file : state.watches) scope.spawn(watch(ctx, file));
    state.front.start_serving();
    scope.spawn(state.readiness.run(starting, state.settings.ready_timeout, [&] {
      set_ready(true, "serving");
      if (enlisted) enlisting.spawn(enlisted->begin(starting));
    }));
    for (;;) {
      auto signal = co_await signals.next(ctx);
      if (!signal || *signal == SIGTERM || *signal == SIGINT) break;
      if (*signal == SIGHUP) {
        for (auto& reload : state.reloads) reload();
      }
    }
    observe::log::info("draining");
    starting.cancel();
    set_ready(false, "draining");
    (void)co_await enlisting.join();  // told to give up above: nothing is taken away before it is there
    if (enlisted) (void)co_await enlisted->end();  // gives nothing
    (void)co_await runtime::sleep_for(ctx, state.settings.drain_delay);  // nothing cancels this context before its end below
  }
  co_await service.drain(state.exit_code == 0 ? state.settings.grace : Duration::zero());
  ctx.cancel();
  co_await scope.join();
  co_await admin.drain(Duration::zero());
  state.runtime.stop();
}

void App::set_ready(bool ready, std::string_view phase) {
  state_->front.set_readiness(ready, phase);
  if (state_->grpc) state_->grpc->health().set_serving(ready);
}

int App::run() {
  State& state = *state_;
  if (!state.front.has_handler() && !state.router.routes().empty()) openapi::serve(state.router, {.title = state.name});
  if (auto checked = state.router.check(); !checked) return fail(checked.error());

  http::ServerOptions options = app::server_options(state.settings.http);
  if (!state.settings.tls.certificate.empty()) {
    auto tls = http::tls::TlsContext::server({.certificate_file = state.settings.tls.certificate, .key_file = state.settings.tls.key});
    if (!tls) return fail(tls.error());
    on_reload([context = *tls] {
      if (auto reloaded = context->reload(); !reloaded) observe::log::error("certificates were not reloaded", {{"error", reloaded.error()}});
    });
    options.tls = std::move(*tls);
  }
  options.on_refused = [&refused = state.refused](int status, std::string_view reason) {
    refused.with({reason}).add();
    observe::log::warn("request refused", {{"status", status}, {"reason", reason}});
  };
  http::Server service(state.runtime, state.pipeline, std::move(options));
  auto wanted = runtime::Address::parse(state.settings.listen);
  if (!wanted) return fail(std::move(wanted).error().with_context("listen"));
  auto bound = service.listen(*wanted);
  if (!bound) return fail(bound.error());

  const app::debug::Program program{state.name, state.in_force, state.parts, state.runtime, state.metrics, state.tracer, state.front, state.readiness, state.router};
  app::debug::Pages pages(state.name);
  app::debug::add_sections(pages, program);
  for (app::debug::Section& page : state.own_pages) pages.add(std::move(page));
  app::Admin admin_routes(state.metrics, state.tracer, state.front, pages);
  http::ServerOptions admin_options;
  admin_options.request_timeout = app::kAdminTimeout;
  http::Server admin(state.runtime, admin_routes.handler(), std::move(admin_options));
  auto admin_wanted = admin_address(state.settings, *bound);
  if (!admin_wanted) return fail(std::move(admin_wanted).error().with_context("admin"));
  auto admin_bound = admin.listen(*admin_wanted);
  if (!admin_bound) return fail(admin_bound.error());

  const auto loops = observe::metrics::add_runtime_metrics(state.metrics, state.runtime);
  for (unsigned i = 0; i < state.runtime.size(); ++i)
    state.runtime.loop(i).post([&metrics = state.metrics] { runtime::Loop::current().spawn(observe::metrics::watch_loop(runtime::Loop::current().root(), metrics)); });
  state.metrics_port = state.front.has_metrics() ? bound->port() : admin_bound->port();
  service.start();
  admin.start();
  observe::log::info("listening", {{"service_address", bound->to_string()}, {"admin_address", admin_bound->to_string()}, {"loops", state.runtime.size()}});
  state.runtime.loop(0).post([this, &service, &admin, bound = *bound] { runtime::Loop::current().spawn(live(service, admin, bound)); });
  state.runtime.run();
  observe::log::info("stopped", {{"exit_code", state.exit_code}});
  return state.exit_code;
}

}  // namespace yun
