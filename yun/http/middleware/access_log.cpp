#include "yun/http/middleware/access_log.hpp"

#include <algorithm>
#include <array>

#include "yun/observe/log/log.hpp"

namespace yun::http {

namespace {

class AccessLog final : public Middleware {
 public:
  explicit AccessLog(AccessLogOptions options) : options_(std::move(options)) {}

  void finished(Context& ctx, const Request& request, const Response& response, const Outcome& outcome, State&) noexcept override {
    const bool failed = response.status >= 500 || outcome.error;
    const log::Level level = failed ? log::Level::Warn : log::Level::Info;
    if (!log::enabled(level)) return;
    if (response.status < 400 && std::ranges::find(options_.quiet, request.path) != options_.quiet.end()) return;

    static thread_local std::string peer;
    peer.clear();
    request.peer.append_to(peer);
    const std::string_view method = request.method == Method::Other ? std::string_view(request.method_text) : name(request.method);
    std::array<log::Field, 12> fields{{{"method", method},
                                       {"path", request.path},
                                       {"route", request.route},
                                       {"status", response.status},
                                       {"duration", outcome.duration},
                                       {"bytes", outcome.bytes_sent},
                                       {"peer", peer},
                                       {"", ""},
                                       {"", ""},
                                       {"", ""},
                                       {"", ""},
                                       {"", ""}}};
    std::size_t size = 7;
    if (outcome.bytes_received > 0) fields[size++] = {"bytes_in", outcome.bytes_received};
    if (const auto agent = request.headers.get("user-agent")) fields[size++] = {"user_agent", agent->substr(0, 256)};
    if (!ctx.subject().empty()) fields[size++] = {"subject", ctx.subject()};
    if (!response.reason.empty()) fields[size++] = {"reason", response.reason};
    if (outcome.error) fields[size++] = {"error", *outcome.error};
    log::write(level, &ctx, "request", std::span(fields.data(), size));
  }

 private:
  AccessLogOptions options_;
};

}  // namespace

std::shared_ptr<Middleware> access_log(AccessLogOptions options) { return std::make_shared<AccessLog>(std::move(options)); }

}  // namespace yun::http
