#pragma once
// Source: a text that changes, and says so: a file here, a key of Consul, etcd or Nacos in discovery.
//
//     config::FileSource source("gateway.yaml");
//     for (;;) {
//       auto text = co_await source.next(ctx);          // at once the first time, then at each change
//       if (ctx.done()) co_return;
//       if (text) apply(*text);                         // an error (the file is away) is worth a log line; the old one stays
//     }

#include <cstddef>
#include <string>

#include "yun/base/result.hpp"
#include "yun/config/file_watch.hpp"
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

/// A file, by FileWatch.
class FileSource final : public Source {
 public:
  struct Options {
    FileWatch::Options watch;
    std::size_t max_size = 8u << 20;  ///< bytes
  };
  explicit FileSource(std::string path) : FileSource(std::move(path), Options{}) {}
  FileSource(std::string path, Options options) : watch_(std::move(path), options.watch), max_size_(options.max_size) {}

  std::string name() const override { return watch_.path(); }
  Task<Result<std::string>> next(Cancel& cancel) override;

 private:
  FileWatch watch_;
  std::size_t max_size_;
  bool began_ = false;
  bool failed_ = false;
  std::string last_;
};

}  // namespace yun::config
