#pragma once
// rpc: gRPC on Yun's own HTTP/2: servers, channels, health, reflection, and JSON for those who speak none.
//
//     yun_proto(shop_proto FILES shop/v1/user.proto)                        # CMake: messages, Service and Stub
//     class Users : public shop::v1::UserService::Service { Task<Result<User>> get_user(Context&, const GetUserRequest&) override; };
//     rpc::Server server;  server.add(users);                               // an http::Handler
//     auto channel = rpc::Channel::open("static://127.0.0.1:8081");  shop::v1::UserService::Stub stub(**channel);
//     auto user = co_await stub.get_user(ctx, request);                     // Result<User>
//
// server.hpp     Server, ServerOptions, is_grpc(); health.hpp has Health
// channel.hpp    Channel, ChannelOptions; stub.hpp: ServerStream, ClientStream, BidiStream
// service.hpp    Service, Reader, Writer
// call.hpp       ServerCall, ClientCall: metadata of a call; metadata.hpp has Metadata
// schema.hpp     Schema, transcode.hpp: json_to_wire(), wire_to_json()
// framing.hpp, status.hpp, wire.hpp   the protocol itself, sans-I/O

#include "yun/rpc/call.hpp"
#include "yun/rpc/channel.hpp"
#include "yun/rpc/server.hpp"
#include "yun/rpc/service.hpp"
#include "yun/rpc/stub.hpp"
