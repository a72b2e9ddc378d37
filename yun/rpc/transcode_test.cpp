#include "yun/rpc/transcode.hpp"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "testing/shapes.yun.hpp"

namespace yun::rpc {
namespace {

using testing::Shape;

const MessageType& shape_type() {
  static const std::string kNames[] = {std::string(testing::Shapes::kFullName)};
  static const auto schema = Schema::linked(kNames);
  return *(*schema)->message("yun.rpc.testing.Shape");
}

/// The message that some JSON is; fails the test if it is none.
Shape shape_of(std::string_view json, std::span<const Binding> bindings = {}) {
  Shape shape;
  auto wire = json_to_wire(shape_type(), json, bindings);
  EXPECT_TRUE(wire.ok()) << wire.error().to_string();
  if (!wire) return shape;
  EXPECT_TRUE(shape.ParseFromString(*wire));
  return shape;
}

std::vector<FieldViolation> violations_of(std::string_view json, std::span<const Binding> bindings = {}) {
  auto wire = json_to_wire(shape_type(), json, bindings);
  EXPECT_FALSE(wire.ok());
  if (wire) return {};
  EXPECT_EQ(wire.error().code(), Code::InvalidArgument);
  return wire.error().violations();
}

std::string json_of(const Shape& shape, WireToJsonOptions options = {.defaults = false}) {
  std::string out;
  auto done = wire_to_json(shape_type(), shape.SerializeAsString(), out, options);
  EXPECT_TRUE(done.ok());
  return out;
}

TEST(JsonToWire, EveryKindAsProtobufItselfReadsIt) {
  const std::string json = R"({
    "double_field": 1.5, "floatField": -2.25, "int32_field": -7, "int64_field": "-9223372036854775808", "uint32_field": 4294967295,
    "uint64_field": "18446744073709551615", "sint32_field": -2147483648, "sint64_field": -5, "fixed32_field": 9, "fixed64_field": 10,
    "sfixed32_field": -11, "sfixed64_field": "-12", "bool_field": true, "string_field": "\u4e91 \ud83d\ude00", "bytes_field": "AP8=",
    "colour": "GREEN", "inner": {"text": "a", "inner": {"text": "b", "tags": ["x", "y"]}}, "numbers": [1, -2, 3], "words": ["p", ""],
    "inners": [{"text": "one"}, {}], "counts": {"k": 1, "l": 2}, "by_number": {"-3": {"text": "m"}}, "by_bool": {"true": "yes"},
    "maybe": 0, "choice_number": 4, "at": "2026-11-23T12:34:56.5+02:00", "lasts": "-1.5s", "wrapped": "w", "wrappedNumber": "12",
    "structure": {"a": [1, null, {"b": false}]}, "value": ["s", 2], "list": [true], "mask": "stringField,inner.text",
    "any": {"@type": "type.googleapis.com/yun.rpc.testing.Shape.Inner", "text": "packed"}, "colours": ["RED", 2], "reals": ["NaN", 1e3],
    "otherName": "r"})";
  Shape expected;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json, &expected).ok());
  EXPECT_EQ(shape_of(json).DebugString(), expected.DebugString());
}

TEST(JsonToWire, LongNestedMessageHasALongLength) {
  const std::string text(100'000, 'z');
  EXPECT_EQ(shape_of(R"({"inner":{"inner":{"text":")" + text + R"("}}})").inner().inner().text(), text);
}

TEST(JsonToWire, EmptyTextAndNullsAreAnEmptyMessage) {
  EXPECT_EQ(shape_of("").ByteSizeLong(), 0u);
  EXPECT_EQ(shape_of(R"({"inner":null,"numbers":null,"int32_field":null,"maybe":null,"colour":null})").ByteSizeLong(), 0u);
  EXPECT_TRUE(shape_of(R"({"value":null})").has_value());
}

TEST(JsonToWire, UnparsableHasNoViolations) {
  for (const char* bad : {"{", "{\"a\":}", "nul", "{} x", "{\"string_field\":\"\xff\"}", "[1,]"}) {
    auto wire = json_to_wire(shape_type(), bad);
    ASSERT_FALSE(wire.ok()) << bad;
    EXPECT_EQ(http_status(wire.error()), 400) << bad;
  }
}

TEST(JsonToWire, AllFaultsAtOnceWithPointers) {
  const auto violations = violations_of(
      R"({"int32_field":"x","inner":{"tags":["a",5]},"numbers":[1,2147483648],"counts":{"k":1.5},"colour":"BLUE","bool_field":"true","at":"today"})");
  std::vector<std::string> pointers;
  for (const auto& violation : violations) pointers.push_back(violation.pointer);
  EXPECT_EQ(pointers, (std::vector<std::string>{"/int32_field", "/inner/tags/1", "/numbers/1", "/counts/k", "/colour", "/bool_field", "/at"}));
}

TEST(JsonToWire, NotAnObjectIsAViolation) {
  EXPECT_EQ(violations_of("[]").at(0).pointer, "");
  EXPECT_EQ(violations_of("3").at(0).pointer, "");
}

TEST(JsonToWire, FieldGivenTwiceOrTwoOfAOneof) {
  EXPECT_EQ(violations_of(R"({"int32_field":1,"int32Field":2})").at(0).pointer, "/int32Field");
  EXPECT_EQ(violations_of(R"({"choice_text":"a","choice_number":1})").at(0).pointer, "/choice_number");
}

TEST(JsonToWire, UnknownFieldsByOption) {
  EXPECT_EQ(shape_of(R"({"nothing":{"a":[1]},"int32_field":3})").int32_field(), 3);
  auto refused = json_to_wire(shape_type(), R"({"nothing":1})", JsonToWireOptions{.unknown = json::Unknown::Refuse});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().violations().at(0).pointer, "/nothing");
}

TEST(JsonToWire, IntegersInOtherClothes) {
  EXPECT_EQ(shape_of(R"({"int32_field":1.0})").int32_field(), 1);
  EXPECT_EQ(shape_of(R"({"int32_field":1e2})").int32_field(), 100);
  EXPECT_EQ(shape_of(R"({"int32_field":"42"})").int32_field(), 42);
  EXPECT_EQ(violations_of(R"({"int32_field":1.5})").size(), 1u);
  EXPECT_EQ(violations_of(R"({"uint32_field":-1})").size(), 1u);
  EXPECT_EQ(violations_of(R"({"int64_field":9223372036854775808})").size(), 1u);
  EXPECT_EQ(violations_of(R"({"int64_field":1e30})").size(), 1u);
  EXPECT_EQ(violations_of(R"({"int32_field":true})").size(), 1u);
}

TEST(JsonToWire, DepthIsLimited) {
  std::string json;
  for (int i = 0; i < 200; ++i) json += R"({"inner":)";
  json += "{}";
  for (int i = 0; i < 200; ++i) json += "}";
  EXPECT_FALSE(json_to_wire(shape_type(), json).ok());
}

TEST(JsonToWire, BindingsWinOverTheBody) {
  const Binding bindings[] = {{"int32_field", "42"}, {"inner.text", "bound"}, {"words", "a"}, {"words", "b"}, {"bool_field", "true"}, {"colour", "RED"}};
  const Shape shape = shape_of(R"({"int32_field":1,"inner":{"tags":["t"]},"words":["z"],"string_field":"kept"})", bindings);
  EXPECT_EQ(shape.int32_field(), 42);
  EXPECT_EQ(shape.inner().text(), "bound");
  EXPECT_EQ(shape.inner().tags(0), "t");
  EXPECT_EQ(shape.words_size(), 2);
  EXPECT_TRUE(shape.bool_field());
  EXPECT_EQ(shape.colour(), testing::RED);
  EXPECT_EQ(shape.string_field(), "kept");
}

TEST(JsonToWire, BindingsThatDoNotFit) {
  const Binding bindings[] = {{"int32_field", "x"}, {"nothing", "1"}, {"inner", "{}"}, {"bool_field", "yes"}};
  const auto violations = violations_of("", bindings);
  ASSERT_EQ(violations.size(), 4u);
  EXPECT_EQ(violations[0].pointer, "/int32_field");
  EXPECT_EQ(violations[1].pointer, "/nothing");
}

TEST(WireToJson, DefaultsAreWritten) {
  std::string out;
  const std::string names[] = {"yun.rpc.testing.Shapes"};
  const auto schema = Schema::linked(names);
  ASSERT_TRUE(wire_to_json(*(*schema)->message("yun.rpc.testing.Shape.Inner"), "", out).ok());
  EXPECT_EQ(out, R"({"text":"","tags":[]})");
}

TEST(WireToJson, EveryKindAsProtobufItselfWritesIt) {
  Shape shape = shape_of(R"({
    "double_field": 1.5, "floatField": -2.25, "int32_field": -7, "int64_field": "-9223372036854775808", "uint32_field": 4294967295,
    "uint64_field": "18446744073709551615", "sint32_field": -2147483648, "sint64_field": -5, "fixed32_field": 9, "fixed64_field": 10,
    "sfixed32_field": -11, "sfixed64_field": "-12", "bool_field": true, "string_field": "\u4e91 \n\"", "bytes_field": "AP8=",
    "colour": "GREEN", "inner": {"text": "a", "inner": {"text": "b", "tags": ["x", "y"]}}, "numbers": [1, -2, 3], "words": ["p", ""],
    "inners": [{"text": "one"}, {}], "counts": {"k": 1}, "by_number": {"-3": {"text": "m"}}, "by_bool": {"true": "yes"},
    "maybe": 0, "choice_number": 4, "at": "2026-11-23T12:34:56.5Z", "lasts": "-1.500s", "wrapped": "w", "wrappedNumber": "12",
    "structure": {"a": [1, null, {"b": false}]}, "value": ["s", 2], "list": [true], "mask": "stringField,inner.text",
    "any": {"@type": "type.googleapis.com/yun.rpc.testing.Shape.Inner", "text": "packed"}, "colours": ["RED", "GREEN"], "reals": ["NaN", 1000],
    "otherName": "r"})");
  for (const bool proto_names : {true, false}) {
    std::string expected;
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = proto_names;
    ASSERT_TRUE(google::protobuf::util::MessageToJsonString(shape, &expected, options).ok());
    EXPECT_EQ(json_of(shape, {.proto_names = proto_names, .defaults = false}), expected);
  }
}

TEST(WireToJson, Int64AsNumberByOption) {
  Shape shape;
  shape.set_int64_field(-5);
  shape.set_uint64_field(18446744073709551615u);
  const std::string json = json_of(shape, {.defaults = false, .int64_as_number = true});
  EXPECT_EQ(json, R"({"int64_field":-5,"uint64_field":18446744073709551615})");
  EXPECT_NE(json_of(Shape(), {.int64_as_number = true}).find(R"("int64_field":0)"), std::string::npos);
  EXPECT_NE(json_of(Shape(), {}).find(R"("int64_field":"0")"), std::string::npos);
}

TEST(WireToJson, PartsOfAMessageAreMergedAndTheLastScalarWins) {
  Shape first;
  first.mutable_inner()->set_text("a");
  first.set_int32_field(1);
  Shape second;
  second.mutable_inner()->add_tags("t");
  second.set_int32_field(2);
  std::string out;
  ASSERT_TRUE(wire_to_json(shape_type(), first.SerializeAsString() + second.SerializeAsString(), out, {.defaults = false}).ok());
  EXPECT_EQ(out, R"({"int32_field":2,"inner":{"text":"a","tags":["t"]}})");
}

TEST(WireToJson, MalformedBytesAreInternal) {
  for (const std::string_view bad : {std::string_view("\x72\x05" "ab"), std::string_view("\xff"), std::string_view("\x8a\x01\x02\x0a\x09")}) {
    std::string out;
    auto done = wire_to_json(shape_type(), bad, out);
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.error().code(), Code::Internal);
  }
}

TEST(WireToJson, DepthIsLimited) {
  std::string wire;
  for (int i = 0; i < 100; ++i) {
    std::string outer = "\x12";
    outer += static_cast<char>(wire.size() & 0x7f);
    if (wire.size() > 127) break;
    wire = outer + wire;
  }
  std::string out;
  const std::string names[] = {"yun.rpc.testing.Shapes"};
  const auto schema = Schema::linked(names);
  EXPECT_FALSE(wire_to_json(*(*schema)->message("yun.rpc.testing.Shape.Inner"), wire, out, {.max_depth = 16}).ok());
}

TEST(Schema, BuiltFromSerialisedFilesInAnyOrder) {
  google::protobuf::FileDescriptorProto base;
  base.set_name("a.proto");
  base.set_syntax("proto3");
  base.add_message_type()->set_name("A");
  google::protobuf::FileDescriptorProto user;
  user.set_name("b.proto");
  user.set_syntax("proto3");
  user.set_package("p");
  user.add_dependency("a.proto");
  user.add_dependency("google/protobuf/timestamp.proto");
  auto* service = user.add_service();
  service->set_name("S");
  auto* method = service->add_method();
  method->set_name("M");
  method->set_input_type(".A");
  method->set_output_type(".google.protobuf.Timestamp");
  method->set_server_streaming(true);
  const std::string files[] = {user.SerializeAsString(), base.SerializeAsString(), base.SerializeAsString()};
  auto schema = Schema::build(files);
  ASSERT_TRUE(schema.ok()) << schema.error().to_string();
  const MethodType* found = (*schema)->method("p.S/M");
  ASSERT_TRUE(found);
  EXPECT_EQ(found, (*schema)->method("/p.S/M"));
  EXPECT_EQ(found->kind, Kind::ServerStream);
  EXPECT_EQ(name(*found->input), "A");
  EXPECT_FALSE((*schema)->method("p.S/N"));
}

TEST(Schema, MissingImportIsNamed) {
  google::protobuf::FileDescriptorProto file;
  file.set_name("b.proto");
  file.add_dependency("missing.proto");
  const std::string files[] = {file.SerializeAsString()};
  auto schema = Schema::build(files);
  ASSERT_FALSE(schema.ok());
  EXPECT_NE(schema.error().message().find("missing.proto"), std::string::npos);
  const std::string garbage[] = {"\xff\xff"};
  EXPECT_FALSE(Schema::build(garbage).ok());
}

TEST(Schema, StrangersValueTypeIsAnOrdinaryMessage) {
  google::protobuf::FileDescriptorProto file;
  file.set_name("evil.proto");
  file.set_syntax("proto3");
  file.set_package("google.protobuf");
  file.add_message_type()->set_name("Value");
  const std::string files[] = {file.SerializeAsString()};
  auto schema = Schema::build(files);
  if (!schema) return;  // refused is as good
  const MessageType* type = (*schema)->message("google.protobuf.Value");
  ASSERT_TRUE(type);
  EXPECT_TRUE(json_to_wire(*type, "{}").ok());
}

}  // namespace
}  // namespace yun::rpc
