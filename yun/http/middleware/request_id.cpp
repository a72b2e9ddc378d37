#include "yun/http/middleware/request_id.hpp"

#include <algorithm>
#include <string>

#include "yun/base/ids.hpp"
#include "yun/base/strings.hpp"

namespace yun::http {

namespace {

bool is_sane(std::string_view id) {
  return !id.empty() && id.size() <= 128 && std::ranges::all_of(id, [](char c) {
    return is_alnum(c) || std::string_view("-_.:/+=").find(c) != std::string_view::npos;
  });
}

/// 15 characters: no allocation, 75 random bits.
std::string make_id() {
  static constexpr char kLetters[] = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string id(15, '0');
  std::uint64_t random = random_u64();
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (i == 12) random = random_u64();
    id[i] = kLetters[random & 31];
    random >>= 5;
  }
  return id;
}

class RequestId final : public Middleware {
 public:
  Verdict before(Context& ctx, Request& request, Response&, State&) override {
    const auto given = request.headers.get("x-request-id");
    ctx.set_request_id(given && is_sane(*given) ? std::string(*given) : make_id());
    return Verdict::Continue;
  }
  void after(Context& ctx, Request&, Response& response, State&) override { response.headers.set("x-request-id", ctx.request_id()); }
};

}  // namespace

std::shared_ptr<Middleware> request_id() { return std::make_shared<RequestId>(); }

}  // namespace yun::http
