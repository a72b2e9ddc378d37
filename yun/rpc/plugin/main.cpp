// protoc-gen-yun: writes <file>.yun.hpp and <file>.yun.cpp beside protoc's <file>.pb.h. For each service of the file:
//
//     class UserService {
//       class Service : public yun::rpc::Service { virtual Task<Result<User>> create_user(Context&, const CreateUserRequest&); ... };
//       class Stub { explicit Stub(yun::rpc::Channel&);  Task<Result<User>> create_user(Context&, const CreateUserRequest&); ... };
//     };

#include <google/protobuf/compiler/code_generator.h>
#include <google/protobuf/compiler/plugin.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/io/printer.h>
#include <google/protobuf/io/zero_copy_stream.h>

#include <map>
#include <memory>
#include <set>
#include <string>

#include "yun/rpc/plugin/names.hpp"

namespace yun::rpc::plugin {
namespace {

namespace pb = google::protobuf;
using Vars = std::map<std::string, std::string>;

std::string cpp_type(const pb::Descriptor& message) {
  std::string name = message.name();
  for (const pb::Descriptor* outer = message.containing_type(); outer; outer = outer->containing_type()) name = outer->name() + "_" + name;
  const std::string space = cpp_namespace(message.file()->package());
  return space.empty() ? "::" + name : "::" + space + "::" + name;
}

Vars vars_of(const pb::ServiceDescriptor& service) { return {{"service", service.name()}, {"full", service.full_name()}}; }

Vars vars_of(const pb::MethodDescriptor& method) {
  const bool in = method.client_streaming();
  const bool out = method.server_streaming();
  return {{"service", method.service()->name()},
          {"full", method.service()->full_name()},
          {"method", method.name()},
          {"name", method_name(method.name())},
          {"in", cpp_type(*method.input_type())},
          {"out", cpp_type(*method.output_type())},
          {"kind", in ? (out ? "Bidi" : "ClientStream") : (out ? "ServerStream" : "Unary")},
          {"adapter", in ? (out ? "bidi" : "client_stream") : (out ? "server_stream" : "unary")}};
}

/// The comment above a thing in the .proto, as /// lines.
template <typename D>
void print_comment(pb::io::Printer& out, const D& thing) {
  pb::SourceLocation where;
  if (!thing.GetSourceLocation(&where)) return;
  std::string text = where.leading_comments;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string line = text.substr(0, end);
    while (!line.empty() && line.back() == ' ') line.pop_back();
    // A trailing backslash would carry the comment on to the next line.
    while (!line.empty() && line.back() == '\\') line.pop_back();
    if (!line.empty()) out.Print("///$line$\n", "line", line);
    text = end == std::string::npos ? "" : text.substr(end + 1);
  }
}

/// Parameters of a server method behind the Context.
std::string server_parameters(const pb::MethodDescriptor& method, bool named) {
  const std::string in = cpp_type(*method.input_type());
  const std::string out = cpp_type(*method.output_type());
  std::string text = method.client_streaming() ? "::yun::rpc::Reader<" + in + ">&" : "const " + in + "&";
  if (named) text += method.client_streaming() ? " requests" : " request";
  if (method.server_streaming()) {
    text += ", ::yun::rpc::Writer<" + out + ">&";
    if (named) text += " responses";
  }
  return text;
}

std::string server_result(const pb::MethodDescriptor& method) { return method.server_streaming() ? "void" : cpp_type(*method.output_type()); }

std::string stub_signature(const pb::MethodDescriptor& method, const std::string& scope) {
  const Vars vars = vars_of(method);
  const std::string& in = vars.at("in");
  const std::string& out = vars.at("out");
  const std::string name = scope + vars.at("name");
  if (method.client_streaming() && method.server_streaming()) {
    return "::yun::Task<::yun::Result<::yun::rpc::BidiStream<" + in + ", " + out + ">>> " + name + "(::yun::Context& ctx)";
  }
  if (method.client_streaming()) {
    return "::yun::Task<::yun::Result<::yun::rpc::ClientStream<" + in + ", " + out + ">>> " + name + "(::yun::Context& ctx)";
  }
  if (method.server_streaming()) {
    return "::yun::Task<::yun::Result<::yun::rpc::ServerStream<" + out + ">>> " + name + "(::yun::Context& ctx, const " + in + "& request)";
  }
  return "::yun::Task<::yun::Result<" + out + ">> " + name + "(::yun::Context& ctx, const " + in + "& request)";
}

void print_service_header(pb::io::Printer& out, const pb::ServiceDescriptor& service) {
  const Vars vars = vars_of(service);
  print_comment(out, service);
  out.Print(vars,
            "class $service$ final {\n"
            " public:\n"
            "  static constexpr std::string_view kFullName = \"$full$\";\n"
            "\n"
            "  /// What a server implements. A method that is not overridden answers UNIMPLEMENTED.\n"
            "  class Service : public ::yun::rpc::Service {\n"
            "   public:\n");
  out.Indent(), out.Indent();
  for (int i = 0; i < service.method_count(); ++i) {
    const pb::MethodDescriptor& method = *service.method(i);
    print_comment(out, method);
    out.Print("virtual ::yun::Task<::yun::Result<$result$>> $name$(::yun::Context& ctx, $parameters$);\n", "result", server_result(method), "name",
              method_name(method.name()), "parameters", server_parameters(method, true));
  }
  out.Print(
      "\n"
      "std::string_view full_name() const final { return kFullName; }\n"
      "std::span<const ::yun::rpc::Method> methods() const final;\n");
  out.Outdent(), out.Outdent();
  out.Print(
      "  };\n"
      "\n"
      "  /// The client's side. `channel` must outlive it; requests must outlive the tasks they are given to.\n"
      "  class Stub {\n"
      "   public:\n"
      "    explicit Stub(::yun::rpc::Channel& channel) : channel_(&channel) {}\n");
  out.Indent(), out.Indent();
  for (int i = 0; i < service.method_count(); ++i) {
    const pb::MethodDescriptor& method = *service.method(i);
    print_comment(out, method);
    out.Print("$signature$;\n", "signature", stub_signature(method, ""));
  }
  out.Outdent(), out.Outdent();
  out.Print(
      "\n"
      "   private:\n"
      "    ::yun::rpc::Channel* channel_;\n"
      "  };\n"
      "};\n\n");
}

void print_service_source(pb::io::Printer& out, const pb::ServiceDescriptor& service) {
  for (int i = 0; i < service.method_count(); ++i) {
    const pb::MethodDescriptor& method = *service.method(i);
    out.Print(
        "::yun::Task<::yun::Result<$result$>> $service$::Service::$name$(::yun::Context&, $parameters$) {\n"
        "  co_return ::yun::rpc::detail::not_implemented(\"$full$/$method$\");\n"
        "}\n\n",
        "result", server_result(method), "service", service.name(), "name", method_name(method.name()), "parameters",
        server_parameters(method, false), "full", service.full_name(), "method", method.name());
  }
  out.Print("std::span<const ::yun::rpc::Method> $service$::Service::methods() const {\n", "service", service.name());
  if (service.method_count() == 0) {
    out.Print("  return {};\n}\n\n");
    return;
  }
  out.Print("  static const ::yun::rpc::Method kMethods[] = {\n");
  for (int i = 0; i < service.method_count(); ++i) {
    out.Print(vars_of(*service.method(i)), "      ::yun::rpc::detail::$adapter$<Service, $in$, $out$, &Service::$name$>(\"$method$\"),\n");
  }
  out.Print("  };\n  return kMethods;\n}\n\n");
  for (int i = 0; i < service.method_count(); ++i) {
    const pb::MethodDescriptor& method = *service.method(i);
    Vars vars = vars_of(method);
    vars["signature"] = stub_signature(method, service.name() + "::Stub::");
    vars["idempotent"] = method.options().idempotency_level() == pb::MethodOptions::IDEMPOTENCY_UNKNOWN ? "" : ", true";
    vars["call"] = method.client_streaming() && method.server_streaming() ? "open_bidi_stream<" + vars["in"] + ", " + vars["out"] + ">(*channel_, ctx, kMethod)"
                   : method.client_streaming()                           ? "open_client_stream<" + vars["in"] + ", " + vars["out"] + ">(*channel_, ctx, kMethod)"
                   : method.server_streaming()                           ? "open_server_stream<" + vars["out"] + ">(*channel_, ctx, kMethod, request)"
                                                                         : "call_unary<" + vars["out"] + ">(*channel_, ctx, kMethod, request)";
    out.Print(vars,
              "$signature$ {\n"
              "  static constexpr ::yun::rpc::ClientMethod kMethod{\"$full$\", \"$method$\", \"/$full$/$method$\", ::yun::rpc::Kind::$kind$$idempotent$};\n"
              "  return ::yun::rpc::detail::$call$;\n"
              "}\n\n");
  }
}

class Generator final : public pb::compiler::CodeGenerator {
 public:
  std::uint64_t GetSupportedFeatures() const override { return FEATURE_PROTO3_OPTIONAL; }

  bool Generate(const pb::FileDescriptor* file, const std::string&, pb::compiler::GeneratorContext* context, std::string* error) const override {
    for (int i = 0; i < file->service_count(); ++i) {
      std::set<std::string> names;
      for (int j = 0; j < file->service(i)->method_count(); ++j) {
        const pb::MethodDescriptor& method = *file->service(i)->method(j);
        if (!names.insert(method_name(method.name())).second) {
          *error = method.full_name() + ": two methods of the service become " + method_name(method.name());
          return false;
        }
      }
    }
    const std::string base = stem(file->name());
    const std::string space = cpp_namespace(file->package());
    {
      std::unique_ptr<pb::io::ZeroCopyOutputStream> stream(context->Open(base + ".yun.hpp"));
      pb::io::Printer out(stream.get(), '$');
      out.Print(
          "#pragma once\n"
          "// Made by protoc-gen-yun from $file$; do not edit.\n\n"
          "#include <span>\n"
          "#include <string_view>\n\n"
          "#include \"$base$.pb.h\"\n"
          "#include \"yun/rpc/service.hpp\"\n"
          "#include \"yun/rpc/stub.hpp\"\n\n",
          "file", file->name(), "base", base);
      if (!space.empty()) out.Print("namespace $space$ {\n\n", "space", space);
      for (int i = 0; i < file->service_count(); ++i) print_service_header(out, *file->service(i));
      if (!space.empty()) out.Print("}  // namespace $space$\n", "space", space);
    }
    std::unique_ptr<pb::io::ZeroCopyOutputStream> stream(context->Open(base + ".yun.cpp"));
    pb::io::Printer out(stream.get(), '$');
    out.Print("// Made by protoc-gen-yun from $file$; do not edit.\n#include \"$base$.yun.hpp\"\n\n", "file", file->name(), "base", base);
    if (!space.empty()) out.Print("namespace $space$ {\n\n", "space", space);
    for (int i = 0; i < file->service_count(); ++i) print_service_source(out, *file->service(i));
    if (!space.empty()) out.Print("}  // namespace $space$\n", "space", space);
    return true;
  }
};

}  // namespace
}  // namespace yun::rpc::plugin

int main(int argc, char** argv) {
  yun::rpc::plugin::Generator generator;
  return google::protobuf::compiler::PluginMain(argc, argv, &generator);
}
