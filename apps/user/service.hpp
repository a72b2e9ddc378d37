#pragma once
// UserService: shop.v1.UserService over the store. What it checks and promises is in proto/shop/v1/user.proto.

#include "apps/user/broadcast.hpp"
#include "apps/user/passwords.hpp"
#include "apps/user/signing_keys.hpp"
#include "apps/user/users.hpp"
#include "shop/v1/user.yun.hpp"

namespace shop {

class UserService final : public v1::UserService::Service {
 public:
  UserService(Users& users, Passwords& passwords, SigningKeys& keys) : users_(users), passwords_(passwords), keys_(keys) {}

  yun::Task<yun::Result<v1::User>> create_user(yun::Context& ctx, const v1::CreateUserRequest& request) override;
  yun::Task<yun::Result<v1::User>> get_user(yun::Context& ctx, const v1::GetUserRequest& request) override;
  yun::Task<yun::Result<v1::BatchGetUsersResponse>> batch_get_users(yun::Context& ctx, const v1::BatchGetUsersRequest& request) override;
  yun::Task<yun::Result<v1::ListUsersResponse>> list_users(yun::Context& ctx, const v1::ListUsersRequest& request) override;
  yun::Task<yun::Result<v1::LoginResponse>> login(yun::Context& ctx, const v1::LoginRequest& request) override;
  yun::Task<yun::Result<void>> watch_users(yun::Context& ctx, const v1::WatchUsersRequest& request, yun::rpc::Writer<v1::User>& out) override;

 private:
  /// A watcher that is so many users behind is told RESOURCE_EXHAUSTED.
  static constexpr std::size_t kWatchBuffer = 1024;

  Users& users_;
  Passwords& passwords_;
  SigningKeys& keys_;
  Broadcast<v1::User> created_{kWatchBuffer};
};

}  // namespace shop
