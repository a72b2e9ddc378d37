#pragma once
// KeySource: a registry's key as a config::Source. What is told and when is the same for all drivers; a driver reads. Private to the room's drivers.

#include <optional>
#include <string>

#include "yun/config/source.hpp"
#include "yun/observe/context.hpp"

namespace yun::discovery {

class KeySource : public config::Source {
 public:
  std::string name() const final { return url_; }
  /// NotFound once while the key is not there; the registry's error once while it is away, which is asked again after growing pauses.
  Task<Result<std::string>> next(Cancel& cancel) final;

 protected:
  explicit KeySource(std::string url) : url_(std::move(url)) {}

 private:
  /// The text now; nullopt if the key is not there. At once the first time and after an error, later when there may be a change.
  virtual Task<Result<std::optional<std::string>>> read(Context& ctx) = 0;

  const std::string url_;
  int failures_ = 0;
  bool missing_ = false;
  std::optional<std::string> last_;
};

}  // namespace yun::discovery
