#pragma once
// FileCache: files and folders that a thread keeps open for StaticFiles, the small ones in memory. Internal to StaticFiles.
//
// What was looked at within `fresh` is taken as it is; then its path is opened again, and it stays if that is the same file, unchanged. The one used
// longest ago goes when there are too many.

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "yun/base/units.hpp"
#include "yun/http/content/conditional.hpp"
#include "yun/runtime/loop.hpp"

namespace yun::http {

/// A file or folder that was opened, and what was found out about it.
struct OpenFile {
  /// What tells it from any other, and from itself once changed. Times in nanoseconds.
  struct Identity {
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t modified = 0, changed = 0;
    bool operator==(const Identity&) const = default;
  };
  static constexpr std::size_t kInMemory = 32 << 10;  ///< bytes of a file that is kept in memory; what a server sends with its head in one write

  runtime::Fd fd;
  bool is_folder = false;
  Identity identity;
  Validators validators;
  std::string last_modified;                 ///< validators.time as a header has it
  std::string media_type;
  std::shared_ptr<const std::string> bytes;  ///< all of it, if it is in memory

  /// Of what `fd` is now; nullopt if the kernel does not say.
  std::optional<Identity> look() const;
  /// Reads a small regular file into `bytes`, but not one that was changed just now: a second change in the same tick of the kernel's clock could not be told.
  void load();
};

class FileCache {
 public:
  /// This thread's for the owner that `alive` belongs to. Those of owners that are gone are dropped.
  static FileCache& of(const std::shared_ptr<const int>& alive);

  struct Entry {
    std::string path;
    std::shared_ptr<const OpenFile> file;
    TimePoint looked;
  };
  /// Null if there is none. Valid until the next call.
  Entry* find(std::string_view path);
  void put(std::string_view path, std::shared_ptr<const OpenFile> file, TimePoint now, std::size_t most);
  void erase(std::string_view path);
  void clear();

 private:
  std::weak_ptr<const int> owner_;
  std::list<Entry> entries_;  ///< the one used last first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_path_;
};

}  // namespace yun::http
