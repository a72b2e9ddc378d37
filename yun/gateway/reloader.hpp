#pragma once
// Reloader: keeps a gateway on its file: at the start, when the file becomes another, when somebody asks (SIGHUP).
//
//     Reloader reloader(gateway, "gateway.yaml");
//     if (auto loaded = reloader.load(); !loaded) return app.fail(loaded.error());
//     app.background([&](Context& ctx) { return reloader.run(ctx); });
//     app.on_reload([&] { reloader.again(); });
//
// A new file is taken whole, or refused with its faults in the log while the old configuration stays. It is read and made ready on a thread of its own, only what is
// new in it; the loops do no more than take the result.

#include <memory>
#include <optional>
#include <string>

#include "yun/config/file_watch.hpp"
#include "yun/gateway/config/reader.hpp"
#include "yun/gateway/gateway.hpp"
#include "yun/runtime/threads.hpp"

namespace yun::gateway {

class Reloader {
 public:
  /// `gateway` must outlive this.
  Reloader(Gateway& gateway, std::string path);

  /// Reads and applies the file on this thread, once, before loops run. Errors: it cannot be read, its faults.
  Result<void> load();
  /// Follows the file until `ctx` ends. Spawn it once, on loop 0.
  Task<void> run(Context& ctx);
  /// Reads the file again though nothing says that it has changed, and logs what came of it. Not while it is being written: then once it is. On loop 0.
  void again();

 private:
  struct Made {
    std::shared_ptr<Snapshot> snapshot;  ///< null: the file says what it said
    std::size_t routes = 0;
    std::size_t fresh = 0;  ///< of them, those that had to be read
  };
  Result<Made> make(bool asked);
  Result<void> free_old();
  Task<void> follow(Context& ctx);
  void take(Result<Made> made, bool asked, TimePoint began);

  Gateway& gateway_;
  config::FileWatch watch_;
  runtime::Event wanted_;
  bool asked_ = false;
  bool has_old_ = false;  ///< to be freed
  // Of make(), which has them while it runs, and of take() and load() in between.
  ConfigReader reader_;
  std::optional<std::string> refused_;  ///< the last text, if it was bad
  bool stands_ = false;                 ///< the last text is in force
  runtime::BlockingPool thread_;        ///< the last: it ends before what it works on
};

}  // namespace yun::gateway
