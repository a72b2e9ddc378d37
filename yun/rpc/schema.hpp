#pragma once
// Schema: services and messages learnt at run time (from reflection, or of this program itself), compiled for transcode.hpp.
//
//     YUN_GET(schema, rpc::Schema::build(files));                       // serialised FileDescriptorProtos, in any order
//     const rpc::MethodType* method = schema->method("shop.v1.UserService/CreateUser");
//     YUN_GET(wire, rpc::json_to_wire(*method->input, body));
//
// Immutable and thread-safe once built. Pointers it gives live as long as it does.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "yun/base/result.hpp"
#include "yun/rpc/service.hpp"

namespace yun::rpc {

/// A message type; see transcode.hpp for what can be done with one.
struct MessageType;
/// Its full name, "shop.v1.User".
std::string_view name(const MessageType& type);

struct MethodType {
  std::string service;  ///< "shop.v1.UserService"
  std::string name;     ///< "CreateUser"
  std::string path;     ///< "/shop.v1.UserService/CreateUser"
  Kind kind = Kind::Unary;
  const MessageType* input = nullptr;
  const MessageType* output = nullptr;
};

class Schema {
 public:
  /// From serialised google.protobuf.FileDescriptorProtos in any order; files of the same name may repeat. What they import must be among
  /// them; google/protobuf/*.proto need not be. InvalidArgument names the file that does not fit.
  static Result<std::shared_ptr<const Schema>> build(std::span<const std::string> files);
  /// The descriptors that are linked into this program; `services` by full name. NotFound for one that is not there.
  static Result<std::shared_ptr<const Schema>> linked(std::span<const std::string> services);
  ~Schema();

  /// "shop.v1.UserService/CreateUser", with or without a slash in front; null if it is not there.
  const MethodType* method(std::string_view name) const;
  const MessageType* message(std::string_view full_name) const;
  /// Of every service, in the files' order.
  const std::vector<MethodType>& methods() const;

  struct State;
  explicit Schema(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace yun::rpc
