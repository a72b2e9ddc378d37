#pragma once
// StaticFiles: a folder over HTTP, with ranges, validators and sendfile. Nothing outside of the folder can be reached, be it by "..", an
// absolute path or a symbolic link that leads out: the kernel resolves below the root (openat2), or each part is opened by itself without
// following links where the kernel is too old for that.
//
//     YUN_GET(files, StaticFiles::open("public"));
//     router.mount("/static/{path...}", std::move(files));
//
// The file is named by the route's last parameter. GET and HEAD only. A folder is its index.html; without a slash at its end it is
// redirected there. Hidden names (".git") are 404.
//
// Files are kept open, small ones (32 KiB) in memory, on each thread. One that is replaced is served anew within `fresh`, one that is written to in its place
// is seen at once if it is not small. One that becomes shorter while it is sent ends its connection.

#include <memory>
#include <string>

#include "yun/http/message.hpp"

namespace yun::http {

struct OpenFile;

struct StaticFilesOptions {
  std::string index = "index.html";
  /// The value of Cache-Control; "" leaves it out.
  std::string cache_control = "public, max-age=0, must-revalidate";
  /// Sent, with 200, for a path that is no file: what a page with its own routes wants ("index.html"); "" = 404.
  std::string fallback = {};
  std::size_t cached_files = 256;            ///< files and folders kept open by each thread; 0 = none
  Duration fresh = std::chrono::seconds(1);  ///< how long what was looked at once is taken as it was
};

class StaticFiles final : public Handler {
 public:
  /// NotFound or PermissionDenied if the folder cannot be opened.
  static Result<std::shared_ptr<StaticFiles>> open(const std::string& folder, StaticFilesOptions options = {});

  /// Opening a file is a system call on the loop: for local disks, not for network file systems.
  Task<void> handle(Context& ctx, Request& request, Response& response) override;

 private:
  StaticFiles(runtime::Fd root, StaticFilesOptions options) : root_(std::move(root)), options_(std::move(options)) {}
  using Opened = std::shared_ptr<const OpenFile>;
  Result<Opened> find(const std::string& path) const;
  Result<Opened> open_file(const std::string& path) const;
  void send(Request& request, Response& response, const Opened& opened) const;

  runtime::Fd root_;
  StaticFilesOptions options_;
  std::shared_ptr<const int> alive_ = std::make_shared<const int>(0);  ///< by it the threads' caches know this one
};

}  // namespace yun::http
