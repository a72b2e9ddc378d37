#pragma once
// Text: writes metric families in either exposition format.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "yun/observe/metrics/registry.hpp"

namespace yun::observe::metrics {

class TextWriter final : public Reader {
 public:
  TextWriter(std::string& out, Format format) : out_(out), format_(format) {}

  void head(std::string_view name, std::string_view help, Kind kind) override;
  /// One sample of a counter or gauge, below its head.
  void sample(std::string_view name, Kind kind, std::span<const std::string> labels, std::span<const std::string> values, double value) override;
  void histogram(std::string_view name, std::span<const std::string> labels, std::span<const std::string> values,
                 const Histogram::Snapshot& snapshot) override;
  /// After the last family.
  void finish();

 private:
  std::string_view stem(std::string_view name, Kind kind) const;
  void label_set(std::span<const std::string> labels, std::span<const std::string> values, std::string_view le = {});
  void exemplar(const Histogram::Exemplar& exemplar);

  std::string& out_;
  Format format_;
};

}  // namespace yun::observe::metrics
