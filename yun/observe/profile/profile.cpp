#include "yun/observe/profile/profile.hpp"

#include <map>

#include "yun/base/protobuf_writer.hpp"
#include "yun/observe/profile/symbols.hpp"

namespace yun::observe::profile {
namespace {

// Fields of profile.proto, by message.
enum ProfileField : std::uint32_t { kSampleType = 1, kSample, kMapping, kLocation, kFunction, kStringTable, kTimeNanos = 9, kDurationNanos, kPeriodType, kPeriod, kDefaultSampleType = 14 };

class Encoder {
 public:
  explicit Encoder(const Profile& profile) : profile_(profile), symbols_(executable_mappings()) { (void)text(""); }

  std::string encode() {
    for (const ValueType& type : profile_.types) value_type(kSampleType, type);
    for (const Stack& stack : profile_.stacks) sample(stack);
    for (std::size_t i = 0; i < symbols_.mappings().size(); ++i) mapping(i);
    out_.integer(kTimeNanos, static_cast<std::uint64_t>(profile_.start.time_since_epoch() / std::chrono::nanoseconds(1)));
    out_.integer(kDurationNanos, static_cast<std::uint64_t>(profile_.duration / std::chrono::nanoseconds(1)));
    value_type(kPeriodType, profile_.period_type);
    out_.integer(kPeriod, static_cast<std::uint64_t>(profile_.period));
    if (!profile_.default_type.empty()) out_.integer(kDefaultSampleType, text(std::string(profile_.default_type)));
    for (const std::string& each : texts_) out_.text(kStringTable, each);
    return std::move(bytes_);
  }

 private:
  std::uint64_t text(const std::string& value) {
    const auto [at, is_new] = text_ids_.emplace(value, texts_.size());
    if (is_new) texts_.push_back(value);
    return at->second;
  }

  void value_type(std::uint32_t field, const ValueType& type) {
    const std::uint64_t name = text(std::string(type.type));
    const std::uint64_t unit = text(std::string(type.unit));
    out_.message(field, [&] {
      out_.integer(1, name);
      out_.integer(2, unit);
    });
  }

  void sample(const Stack& stack) {
    std::vector<std::uint64_t> ids;
    // A return address is the instruction behind the call, which may be another function's first.
    for (std::size_t i = 0; i < stack.frames.size(); ++i) ids.push_back(location(stack.frames[i] - (i > 0 ? 1 : 0)));
    const std::vector<std::uint64_t> values(stack.values.begin(), stack.values.end());
    out_.message(kSample, [&] {
      out_.integers(1, ids);
      out_.integers(2, values);
    });
  }

  std::uint64_t location(std::uintptr_t address) {
    const auto [at, is_new] = locations_.emplace(address, locations_.size() + 1);
    if (!is_new) return at->second;
    const std::uint64_t id = at->second;
    const std::size_t mapping = symbols_.mapping_of(address);
    const std::string name = symbols_.name_of(address);
    const std::uint64_t function = name.empty() ? 0 : function_of(name);
    out_.message(kLocation, [&] {
      out_.integer(1, id);
      if (mapping < symbols_.mappings().size()) out_.integer(2, mapping + 1);
      out_.integer(3, address);
      if (function != 0) out_.message(4, [&] { out_.integer(1, function); });
    });
    return id;
  }

  std::uint64_t function_of(const std::string& name) {
    const auto [at, is_new] = functions_.emplace(name, functions_.size() + 1);
    if (!is_new) return at->second;
    const std::uint64_t id = at->second;
    const std::uint64_t readable = text(Symbols::demangle(name));
    const std::uint64_t mangled = text(name);
    out_.message(kFunction, [&] {
      out_.integer(1, id);
      out_.integer(2, readable);
      out_.integer(3, mangled);
    });
    return id;
  }

  void mapping(std::size_t index) {
    const Mapping& mapping = symbols_.mappings()[index];
    const std::uint64_t file = text(mapping.file);
    out_.message(kMapping, [&] {
      out_.integer(1, index + 1);
      out_.integer(2, mapping.begin);
      out_.integer(3, mapping.end);
      out_.integer(4, mapping.offset);
      out_.integer(5, file);
      out_.integer(7, 1);  // has_functions: nothing is left for the reader to look up
    });
  }

  const Profile& profile_;
  Symbols symbols_;
  std::string bytes_;
  ProtobufWriter out_{bytes_};
  std::vector<std::string> texts_;
  std::map<std::string, std::uint64_t> text_ids_;
  std::map<std::uintptr_t, std::uint64_t> locations_;
  std::map<std::string, std::uint64_t> functions_;
};

}  // namespace

std::string encode(const Profile& profile) { return Encoder(profile).encode(); }

}  // namespace yun::observe::profile
