#include "yun/rpc/reflection.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <set>

#include "grpc/reflection/v1/reflection.yun.hpp"
#include "grpc/reflection/v1alpha/reflection.yun.hpp"

namespace yun::rpc {
namespace {

namespace pb = google::protobuf;
namespace v1 = ::grpc::reflection::v1;
namespace v1alpha = ::grpc::reflection::v1alpha;

/// The file and everything it imports, the file first.
void add_file(const pb::FileDescriptor& file, std::set<const pb::FileDescriptor*>& seen, pb::RepeatedPtrField<std::string>& out) {
  if (!seen.insert(&file).second) return;
  pb::FileDescriptorProto description;
  file.CopyTo(&description);
  description.SerializeToString(out.Add());
  for (int i = 0; i < file.dependency_count(); ++i) add_file(*file.dependency(i), seen, out);
}

/// Both versions of the protocol have the same messages under other names; Base is the generated service.
template <typename Base, typename Request, typename Response>
class Reflection final : public Base {
 public:
  explicit Reflection(const std::vector<std::string>& services) : services_(services) {}

  Task<Result<void>> server_reflection_info(Context& ctx, Reader<Request>& requests, Writer<Response>& responses) override {
    while (true) {
      auto request = co_await requests.read(ctx);
      if (!request) co_return std::move(request).error();
      if (!*request) co_return Result<void>();
      const Response response = answer(**request);
      YUN_CHECK(co_await responses.write(ctx, response));
    }
  }

 private:
  Response answer(const Request& request) const {
    const pb::DescriptorPool& pool = *pb::DescriptorPool::generated_pool();
    Response response;
    response.set_valid_host(request.host());
    *response.mutable_original_request() = request;
    switch (request.message_request_case()) {
      case Request::kListServices:
        for (const std::string& name : services_) response.mutable_list_services_response()->add_service()->set_name(name);
        return response;
      case Request::kFileByFilename:
        give(response, pool.FindFileByName(request.file_by_filename()), "file " + request.file_by_filename());
        return response;
      case Request::kFileContainingSymbol:
        give(response, pool.FindFileContainingSymbol(request.file_containing_symbol()), "symbol " + request.file_containing_symbol());
        return response;
      case Request::kFileContainingExtension: {
        const auto& asked = request.file_containing_extension();
        const pb::Descriptor* type = pool.FindMessageTypeByName(asked.containing_type());
        const pb::FieldDescriptor* extension = type ? pool.FindExtensionByNumber(type, asked.extension_number()) : nullptr;
        give(response, extension ? extension->file() : nullptr, "extension " + std::to_string(asked.extension_number()) + " of " + asked.containing_type());
        return response;
      }
      case Request::kAllExtensionNumbersOfType: {
        const pb::Descriptor* type = pool.FindMessageTypeByName(request.all_extension_numbers_of_type());
        if (!type) {
          fail(response, Code::NotFound, "type " + request.all_extension_numbers_of_type() + " is not known");
          return response;
        }
        std::vector<const pb::FieldDescriptor*> extensions;
        pool.FindAllExtensions(type, &extensions);
        response.mutable_all_extension_numbers_response()->set_base_type_name(type->full_name());
        for (const pb::FieldDescriptor* extension : extensions) {
          response.mutable_all_extension_numbers_response()->add_extension_number(extension->number());
        }
        return response;
      }
      default: fail(response, Code::InvalidArgument, "the request asks for nothing"); return response;
    }
  }

  static void give(Response& response, const pb::FileDescriptor* file, const std::string& what) {
    if (!file) {
      fail(response, Code::NotFound, what + " is not known");
      return;
    }
    std::set<const pb::FileDescriptor*> seen;
    add_file(*file, seen, *response.mutable_file_descriptor_response()->mutable_file_descriptor_proto());
  }
  static void fail(Response& response, Code code, const std::string& message) {
    response.mutable_error_response()->set_error_code(static_cast<int>(code));
    response.mutable_error_response()->set_error_message(message);
  }

  const std::vector<std::string>& services_;
};

}  // namespace

std::unique_ptr<Service> reflection_v1(const std::vector<std::string>& services) {
  return std::make_unique<Reflection<v1::ServerReflection::Service, v1::ServerReflectionRequest, v1::ServerReflectionResponse>>(services);
}

std::unique_ptr<Service> reflection_v1alpha(const std::vector<std::string>& services) {
  return std::make_unique<Reflection<v1alpha::ServerReflection::Service, v1alpha::ServerReflectionRequest, v1alpha::ServerReflectionResponse>>(services);
}

}  // namespace yun::rpc
