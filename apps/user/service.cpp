#include "apps/user/service.hpp"

#include "shop/v1/user.pb.h"
#include "yun/base/strings.hpp"
#include "yun/rpc/call.hpp"

namespace shop {

using yun::Context;
using yun::Result;
using yun::Task;

namespace {

constexpr std::size_t kMaxName = 100;
constexpr std::size_t kMaxEmail = 254;
constexpr std::size_t kMinPassword = 8;
constexpr std::size_t kMaxPassword = 256;
constexpr int kDefaultPage = 50;
constexpr int kMaxPage = 1000;
constexpr int kMaxBatch = 100;

v1::User to_message(const UserRow& row) {
  v1::User user;
  user.set_id(row.id);
  user.set_name(row.name);
  user.set_email(row.email);
  const auto micros = row.created_at.time_since_epoch().count();
  user.mutable_created_at()->set_seconds(micros / 1'000'000);
  user.mutable_created_at()->set_nanos(static_cast<std::int32_t>(micros % 1'000'000 * 1000));
  return user;
}

bool looks_like_email(std::string_view email) {
  const auto at = email.find('@');
  if (at == 0 || at == std::string_view::npos || email.find('@', at + 1) != std::string_view::npos) return false;
  for (char c : email) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return false;
  }
  const std::string_view domain = email.substr(at + 1);
  const auto dot = domain.find('.');
  return dot != 0 && dot != std::string_view::npos && domain.back() != '.' && domain.find("..") == std::string_view::npos;
}

Result<void> check(const v1::CreateUserRequest& request) {
  std::vector<yun::FieldViolation> faults;
  if (yun::trim(request.name()).empty()) {
    faults.push_back({"/name", "is required"});
  } else if (request.name().size() > kMaxName) {
    faults.push_back({"/name", "must be at most 100 bytes long"});
  }
  if (request.email().empty()) {
    faults.push_back({"/email", "is required"});
  } else if (request.email().size() > kMaxEmail || !looks_like_email(request.email())) {
    faults.push_back({"/email", "must be an email address"});
  }
  if (request.password().empty()) {
    faults.push_back({"/password", "is required"});
  } else if (request.password().size() < kMinPassword || request.password().size() > kMaxPassword) {
    faults.push_back({"/password", "must be 8 to 256 bytes long"});
  }
  if (faults.empty()) return {};
  return yun::invalid_argument("the request has invalid fields").with_violations(std::move(faults)).with_reason("validation");
}

/// A user who came through the gateway sees only itself; a service inside (no x-user-id) sees all.
bool may_see(Context& ctx, const std::string& id) {
  yun::rpc::ServerCall* call = yun::rpc::server_call(ctx);
  const auto caller = call ? call->metadata().get("x-user-id") : std::nullopt;
  return !caller || *caller == id;
}

yun::Error wrong_login() { return yun::unauthenticated("wrong email or password").with_reason("login_failed"); }

}  // namespace

Task<Result<v1::User>> UserService::create_user(Context& ctx, const v1::CreateUserRequest& request) {
  if (auto well = check(request); !well) co_return std::move(well).error();
  YUN_TRY(hash, co_await passwords_.hash(ctx, request.password()));
  YUN_TRY(row, co_await users_.create(ctx, std::string(yun::trim(request.name())), request.email(), hash));
  v1::User user = to_message(row);
  created_.publish(user);
  co_return user;
}

Task<Result<v1::User>> UserService::get_user(Context& ctx, const v1::GetUserRequest& request) {
  if (!may_see(ctx, request.id())) co_return yun::not_found("no such user").with_reason("user_not_found");
  YUN_TRY(row, co_await users_.find(ctx, request.id()));
  co_return to_message(row);
}

Task<Result<v1::BatchGetUsersResponse>> UserService::batch_get_users(Context& ctx, const v1::BatchGetUsersRequest& request) {
  if (request.ids_size() > kMaxBatch) co_return yun::invalid_argument("too many ids").with_violation("/ids", "must be at most 100");
  std::vector<std::string> ids(request.ids().begin(), request.ids().end());
  YUN_TRY(rows, co_await users_.find_all(ctx, std::move(ids)));
  v1::BatchGetUsersResponse response;
  for (const UserRow& row : rows) *response.add_users() = to_message(row);
  co_return response;
}

Task<Result<v1::ListUsersResponse>> UserService::list_users(Context& ctx, const v1::ListUsersRequest& request) {
  const int size = request.page_size() == 0 ? kDefaultPage : std::min(request.page_size(), kMaxPage);
  if (size < 0) co_return yun::invalid_argument("page_size is negative").with_violation("/page_size", "must not be negative");
  YUN_TRY(page, co_await users_.list(ctx, size, request.page_token()));
  v1::ListUsersResponse response;
  for (const UserRow& row : page.users) *response.add_users() = to_message(row);
  response.set_next_page_token(page.next_page_token);
  co_return response;
}

Task<Result<v1::LoginResponse>> UserService::login(Context& ctx, const v1::LoginRequest& request) {
  std::vector<yun::FieldViolation> faults;
  if (request.email().empty()) faults.push_back({"/email", "is required"});
  if (request.password().empty()) faults.push_back({"/password", "is required"});
  if (!faults.empty()) co_return yun::invalid_argument("the request has invalid fields").with_violations(std::move(faults)).with_reason("validation");

  YUN_TRY(known, co_await users_.credentials(ctx, request.email()));
  // Nobody's hash is checked too: how long the answer takes must not tell whether the address is known.
  const std::string hash = known ? known->password_hash : std::string();
  YUN_TRY(right, co_await passwords_.matches(ctx, request.password(), hash));
  if (!right) co_return wrong_login();

  const yun::Time issued = yun::now();
  const yun::Time expires = issued + std::chrono::duration_cast<std::chrono::microseconds>(keys_.token_life());
  YUN_TRY(token, keys_.sign({.issuer = "shop", .subject = known->id, .audience = {"shop"}, .issued = issued, .expires = expires}));
  v1::LoginResponse response;
  response.set_token(token);
  response.mutable_expires_at()->set_seconds(std::chrono::floor<std::chrono::seconds>(expires).time_since_epoch().count());
  co_return response;
}

Task<Result<void>> UserService::watch_users(Context& ctx, const v1::WatchUsersRequest&, yun::rpc::Writer<v1::User>& out) {
  const auto queue = created_.subscribe();
  for (;;) {
    YUN_TRY(user, co_await queue->pop(ctx));
    if (!user) co_return yun::resource_exhausted("the watcher fell behind").with_reason("watch_overflow");
    YUN_CHECK(co_await out.write(ctx, *user));
  }
}

}  // namespace shop
