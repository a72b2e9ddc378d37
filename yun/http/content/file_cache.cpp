#include "yun/http/content/file_cache.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace yun::http {

namespace {
constexpr auto kSettled = std::chrono::milliseconds(50);  // the kernel's file times tick every 1 to 10 ms

std::int64_t nanoseconds(const timespec& time) { return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec; }
}  // namespace

std::optional<OpenFile::Identity> OpenFile::look() const {
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return std::nullopt;
  return Identity{info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size), nanoseconds(info.st_mtim), nanoseconds(info.st_ctim)};
}

void OpenFile::load() {
  if (is_folder || identity.size > kInMemory) return;
  timespec wall{};
  ::clock_gettime(CLOCK_REALTIME, &wall);
  if (nanoseconds(wall) - std::max(identity.modified, identity.changed) < std::chrono::nanoseconds(kSettled).count()) return;
  std::string read(identity.size, '\0');
  std::size_t at = 0;
  while (at < read.size()) {
    const ssize_t count = ::pread(fd.get(), read.data() + at, read.size() - at, static_cast<off_t>(at));
    if (count <= 0) return;
    at += static_cast<std::size_t>(count);
  }
  if (look() == identity) bytes = std::make_shared<const std::string>(std::move(read));
}

FileCache& FileCache::of(const std::shared_ptr<const int>& alive) {
  static thread_local std::vector<std::unique_ptr<FileCache>> all;
  for (const auto& cache : all) {
    if (!cache->owner_.owner_before(alive) && !alive.owner_before(cache->owner_)) return *cache;
  }
  std::erase_if(all, [](const auto& cache) { return cache->owner_.expired(); });
  all.push_back(std::make_unique<FileCache>());
  all.back()->owner_ = alive;
  return *all.back();
}

FileCache::Entry* FileCache::find(std::string_view path) {
  const auto found = by_path_.find(path);
  if (found == by_path_.end()) return nullptr;
  if (found->second != entries_.begin()) entries_.splice(entries_.begin(), entries_, found->second);
  return &entries_.front();
}

void FileCache::put(std::string_view path, std::shared_ptr<const OpenFile> file, TimePoint now, std::size_t most) {
  if (Entry* entry = find(path)) {
    entry->file = std::move(file);
    entry->looked = now;
    return;
  }
  if (most == 0) return;
  while (entries_.size() >= most) {
    by_path_.erase(entries_.back().path);
    entries_.pop_back();
  }
  entries_.push_front({std::string(path), std::move(file), now});
  by_path_.emplace(entries_.front().path, entries_.begin());
}

void FileCache::erase(std::string_view path) {
  const auto found = by_path_.find(path);
  if (found == by_path_.end()) return;
  const auto entry = found->second;
  by_path_.erase(found);
  entries_.erase(entry);
}

void FileCache::clear() {
  by_path_.clear();
  entries_.clear();
}

}  // namespace yun::http
