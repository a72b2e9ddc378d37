#pragma once
// How names of .proto files become names of C++.

#include <string>
#include <string_view>

namespace yun::rpc::plugin {

/// "CreateUser" -> "create_user", "GetHTTPInfo" -> "get_http_info", "Delete" -> "delete_" (a C++ keyword gets an underscore).
std::string method_name(std::string_view name);
/// "shop/v1/user.proto" -> "shop/v1/user".
std::string stem(std::string_view file);
/// "shop.v1" -> "shop::v1".
std::string cpp_namespace(std::string_view package);

}  // namespace yun::rpc::plugin
