#pragma once
// KeptRegistry: a registration that its program keeps alive: told once, said to live again and again, and told anew when the registry has forgotten it.
// Private to the room's drivers, which know how each of these is said.

#include <memory>

#include "yun/discovery/registry.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::discovery {

class KeptRegistry : public Registry {
 protected:
  /// `registry` is for log lines: the URL without its secrets.
  explicit KeptRegistry(std::string registry) : registry_(std::move(registry)) {}

  bool is_kept() const { return life_ != nullptr; }
  /// Keeps instance_ from now on. `known`: the first telling went well.
  void keep(bool known);
  /// Keeps it no more; nothing is said to the registry. Without keep() nothing happens.
  Task<void> stop();

  Instance instance_;

 private:
  /// Until it is said again; after `failures` in a row.
  virtual Duration pause(int failures) const = 0;
  /// That the instance lives. NotFound: the registry does not know it, so it is told. `was_away`: the last time failed.
  virtual Task<Result<void>> say_alive(Context& ctx, bool was_away) = 0;
  virtual Task<Result<void>> tell(Context& ctx) = 0;

  Task<void> run(Context& ctx, bool known);

  const std::string registry_;
  std::unique_ptr<Context> life_;
  runtime::Scope scope_;
};

}  // namespace yun::discovery
