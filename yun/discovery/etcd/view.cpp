#include "yun/discovery/etcd/view.hpp"

namespace yun::discovery {

Task<Result<void>> EtcdView::look(Context& ctx) {
  YUN_TRY(found, co_await client_.range(ctx, keys_));
  entries_.clear();
  for (EtcdEntry& each : found.entries) entries_[std::move(each.key)] = std::move(each.value);
  revision_ = found.revision;
  co_return Result<void>();
}

Task<Result<void>> EtcdView::begin(Context& ctx) {
  for (int tries = 1;; ++tries) {
    YUN_CHECK(co_await look(ctx));
    auto watch = co_await client_.watch(ctx, keys_, revision_ + 1);
    if (watch) {
      watch_ = std::move(*watch);
      co_return Result<void>();
    }
    // Compacted in between: a cluster that is so busy is asked once more, and then after a pause.
    if (watch.error().reason() != "registry_compacted" || tries == 2) co_return std::move(watch).error();
  }
}

Task<Result<void>> EtcdView::follow(Context& ctx) {
  if (!watch_) co_return co_await begin(ctx);
  auto changes = co_await watch_->next(ctx);
  if (!changes) {
    if (ctx.done()) co_return std::move(changes).error();  // the watch goes on
    watch_.reset();
    if (changes.error().reason() != "registry_compacted") co_return std::move(changes).error();
    co_return co_await begin(ctx);
  }
  for (EtcdChange& each : *changes) {
    if (each.revision <= revision_) continue;  // look() was later
    if (each.deleted) {
      entries_.erase(each.entry.key);
    } else {
      entries_[std::move(each.entry.key)] = std::move(each.entry.value);
    }
  }
  // A transaction's changes have one revision, and come together.
  revision_ = std::max(revision_, changes->back().revision);
  co_return Result<void>();
}

}  // namespace yun::discovery
