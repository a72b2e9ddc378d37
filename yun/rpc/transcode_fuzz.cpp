// JSON to wire to JSON and back: what was accepted once must come back the same; wire bytes of any kind must not hurt.
#include <cstdlib>
#include <string>

#include "yun/rpc/server.hpp"
#include "yun/rpc/transcode.hpp"

namespace {

/// The types of grpc.reflection and the well-known ones: nested, repeated, oneof, bytes, maps, Struct.
const yun::rpc::Schema& schema() {
  static const yun::rpc::Server server;  // so that the linker keeps its descriptors
  static const std::string kServices[] = {"grpc.reflection.v1.ServerReflection", "grpc.health.v1.Health"};
  static const auto made = yun::rpc::Schema::linked(kServices);
  if (!made) std::abort();
  return **made;
}

void there_and_back(const yun::rpc::MessageType& type, std::string_view json) {
  auto wire = yun::rpc::json_to_wire(type, json);
  if (!wire) return;
  std::string first;
  if (!yun::rpc::wire_to_json(type, *wire, first)) std::abort();
  auto again = yun::rpc::json_to_wire(type, first);
  if (!again) std::abort();
  std::string second;
  if (!yun::rpc::wire_to_json(type, *again, second) || first != second) std::abort();
}

void from_wire(const yun::rpc::MessageType& type, std::string_view wire) {
  std::string json;
  if (yun::rpc::wire_to_json(type, wire, json)) there_and_back(type, json);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  static const char* const kTypes[] = {"grpc.reflection.v1.ServerReflectionRequest", "grpc.reflection.v1.ServerReflectionResponse",
                                       "grpc.health.v1.HealthCheckResponse"};
  const yun::rpc::MessageType& type = *schema().message(kTypes[(data[0] >> 1) % 3]);
  if (data[0] % 2) {
    from_wire(type, bytes);
  } else {
    there_and_back(type, bytes);
  }
  return 0;
}
