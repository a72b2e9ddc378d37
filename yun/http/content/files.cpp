#include "yun/http/content/files.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "yun/base/strings.hpp"
#include "yun/http/content/file_cache.hpp"
#include "yun/http/content/media_type.hpp"
#include "yun/http/middleware/middleware.hpp"

namespace yun::http {

namespace {

Error no_such_file() { return not_found("no such file").with_reason("file_not_found"); }

/// Relative, no empty, hidden or dot part, no NUL. "" is the root itself.
bool is_plain(std::string_view path) {
  if (path.find('\0') != std::string_view::npos || path.find('\\') != std::string_view::npos) return false;
  if (path.ends_with('/')) path.remove_suffix(1);
  while (!path.empty()) {
    const auto slash = path.find('/');
    const auto part = path.substr(0, slash);
    if (part.empty() || part.front() == '.') return false;
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return true;
}

constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;

/// For kernels without openat2: part by part, no links at all.
int open_parts(int root, std::string_view path) {
  runtime::Fd at(fcntl(root, F_DUPFD_CLOEXEC, 0));
  while (at && !path.empty()) {
    const auto slash = path.find('/');
    const std::string part(path.substr(0, slash));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    at = runtime::Fd(openat(at.get(), part.c_str(), kFlags | O_NOFOLLOW | (path.empty() ? 0 : O_DIRECTORY)));
  }
  return at.release();
}

int open_beneath(int root, const std::string& path) {
  if (path.empty()) return fcntl(root, F_DUPFD_CLOEXEC, 0);
  struct open_how how {};
  how.flags = kFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int tries = 0; tries < 3; ++tries) {
    const long fd = syscall(SYS_openat2, root, path.c_str(), &how, sizeof(how));
    if (fd >= 0) return static_cast<int>(fd);
    if (errno == ENOSYS || errno == EPERM) return open_parts(root, path);
    if (errno != EAGAIN) return -1;  // EAGAIN: a rename went on somewhere meanwhile
  }
  return -1;
}

std::string make_etag(const OpenFile::Identity& identity) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string etag = "\"";
  for (const std::uint64_t number : {static_cast<std::uint64_t>(identity.modified), identity.size, identity.inode}) {
    if (etag.size() > 1) etag += '-';
    bool begun = false;
    for (int shift = 60; shift >= 0; shift -= 4) {
      const auto digit = (number >> shift) & 15;
      begun = begun || digit != 0 || shift == 0;
      if (begun) etag += kDigits[digit];
    }
  }
  return etag + "\"";
}

}  // namespace

Result<std::shared_ptr<StaticFiles>> StaticFiles::open(const std::string& folder, StaticFilesOptions options) {
  runtime::Fd root(::open(folder.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  if (!root) return from_errno(errno, "static files: " + folder);
  return std::shared_ptr<StaticFiles>(new StaticFiles(std::move(root), std::move(options)));
}

/// As the cache has it, or opened.
Result<StaticFiles::Opened> StaticFiles::find(const std::string& path) const {
  const auto* loop = runtime::Loop::current_or_null();
  const TimePoint now = loop ? loop->latest() : Clock::now();
  FileCache& cache = FileCache::of(alive_);
  const FileCache::Entry* entry = cache.find(path);
  if (entry && now - entry->looked < options_.fresh) {
    const Opened& file = entry->file;
    if (file->bytes || file->is_folder || file->look() == file->identity) return file;
  }
  auto opened = open_file(path);
  if (!opened && opened.error().code() == Code::Unavailable) {  // no descriptor is left: the cache has some
    cache.clear();
    return open_file(path);
  }
  if (!opened) {
    cache.erase(path);
    return opened;
  }
  // The same file, unchanged: what is in memory is good for another while.
  const bool same = entry && entry->file->bytes && entry->file->identity == (*opened)->identity;
  Opened kept = same ? entry->file : *opened;
  cache.put(path, kept, now, options_.cached_files);
  return kept;
}

Result<StaticFiles::Opened> StaticFiles::open_file(const std::string& path) const {
  if (!is_plain(path)) return no_such_file();
  std::string plain = path;
  if (plain.ends_with('/')) plain.pop_back();
  auto opened = std::make_shared<OpenFile>();
  opened->fd = runtime::Fd(open_beneath(root_.get(), plain));
  struct stat info {};
  if (!opened->fd || fstat(opened->fd.get(), &info) != 0) {
    if (errno == EMFILE || errno == ENFILE) return unavailable("too many open files").with_reason("files_exhausted");
    return no_such_file();
  }
  opened->is_folder = S_ISDIR(info.st_mode);
  if (!opened->is_folder && (!S_ISREG(info.st_mode) || path.ends_with('/'))) return no_such_file();
  const auto identity = opened->look();
  if (!identity) return no_such_file();
  opened->identity = *identity;
  opened->validators.etag = make_etag(*identity);
  opened->validators.time = std::chrono::sys_seconds(std::chrono::seconds(info.st_mtim.tv_sec));
  opened->last_modified = format_http_date(opened->validators.time);
  opened->media_type = media_type(plain);
  if (options_.cached_files > 0) opened->load();
  return Opened(std::move(opened));
}

Task<void> StaticFiles::handle(Context& ctx, Request& request, Response& response) {
  if (request.method != Method::Get && request.method != Method::Head) {
    refuse(ctx, request, response, unimplemented("files are read only").with_http_status(405).with_reason("method_not_allowed"));
    response.headers.set("allow", "GET, HEAD");
    return {};
  }
  const std::string path = request.params.empty() ? std::string() : request.params.back().value;
  auto opened = find(path);
  if (opened && (*opened)->is_folder) {
    if (!path.empty() && !path.ends_with('/')) {
      response = Response::redirect(308, request.path + "/" + (request.query.empty() ? "" : "?" + request.query));
      return {};
    }
    opened = find(path + options_.index);
    if (opened && (*opened)->is_folder) opened = no_such_file();
  }
  if (!opened && opened.error().code() == Code::NotFound && !options_.fallback.empty()) opened = find(options_.fallback);
  if (opened)
    send(request, response, *opened);
  else
    refuse(ctx, request, response, opened.error());
  return {};
}

void StaticFiles::send(Request& request, Response& response, const Opened& opened) const {
  response = Response();
  response.headers.set("etag", opened->validators.etag);
  response.headers.set("last-modified", opened->last_modified);
  if (!options_.cache_control.empty()) response.headers.set("cache-control", options_.cache_control);
  const Condition condition = check_conditions(request, opened->validators);
  if (condition != Condition::Met) {
    response.status = condition == Condition::NotModified ? 304 : 412;
    return;
  }
  response.headers.set("accept-ranges", "bytes");
  const RangeDecision range = decide_range(request, opened->validators, opened->identity.size);
  if (range.kind == RangeDecision::Kind::Unsatisfiable) {
    response.status = 416;
    response.headers.set("content-range", "bytes */" + std::to_string(opened->identity.size));
    return;
  }
  response.headers.set("content-type", opened->media_type);
  response.headers.set("x-content-type-options", "nosniff");
  Range part{0, opened->identity.size};
  if (range.kind == RangeDecision::Kind::Part) {
    part = range.part;
    response.status = 206;
    response.headers.set("content-range", "bytes " + std::to_string(part.offset) + "-" + std::to_string(part.offset + part.size - 1) + "/" +
                                              std::to_string(opened->identity.size));
  }
  response.file = FileBody{std::shared_ptr<const runtime::Fd>(opened, &opened->fd), part.offset, part.size, opened->bytes};
}

}  // namespace yun::http
