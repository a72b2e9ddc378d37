#pragma once
// Source: a text that changes, and says so: a file here, a key of Consul, etcd or Nacos in discovery.
//
//     config::FileSource source("gateway.yaml");
//     for (;;) {
//       auto text = co_await source.next(ctx);          // at once the first time, then at each change
//       if (ctx.done()) co_return;
//       if (text) apply(*text);                         // an error (the file is away) is worth a log line; the old one stays
//     }

#include <cstdint>
#include <string>

#include "yun/base/result.hpp"
#include "yun/base/units.hpp"
#include "yun/runtime/cancel.hpp"
#include "yun/runtime/task.hpp"

namespace yun::config {

class Source {
 public:
  virtual ~Source() = default;
  /// For messages: "gateway.yaml", "consul://host:8500/gateway".
  virtual std::string name() const = 0;
  /// The text: the present one the first time, later the next one that differs from the last. Errors: it cannot be read (said once, until that
  /// changes; call again), or why `cancel` ended. One caller at a time.
  virtual Task<Result<std::string>> next(Cancel& cancel) = 0;
};

/// A file, looked at every `poll` (an edit in place, a rename over it and a Kubernetes ConfigMap's change of links are all seen).
class FileSource final : public Source {
 public:
  struct Options {
    Duration poll = std::chrono::seconds(1);
    Duration settle = std::chrono::milliseconds(100);  ///< it must have stayed the same for so long: no half-written file is read
    std::size_t max_size = 8u << 20;                   ///< bytes
  };
  explicit FileSource(std::string path) : FileSource(std::move(path), Options{}) {}
  FileSource(std::string path, Options options) : path_(std::move(path)), options_(options) {}

  std::string name() const override { return path_; }
  Task<Result<std::string>> next(Cancel& cancel) override;

 private:
  struct Stamp {
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t modified = 0;  ///< nanoseconds
    bool operator==(const Stamp&) const = default;
  };
  Stamp look() const;
  std::string path_;
  Options options_;
  Stamp seen_;
  bool began_ = false;
  bool failed_ = false;
  std::string last_;
};

}  // namespace yun::config
