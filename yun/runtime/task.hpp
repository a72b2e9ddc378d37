#pragma once
// Task<T>: Yun's coroutine. Lazy: it starts when awaited (or spawned into a Scope) and runs on the loop of whoever started it.
//
//     Task<Result<User>> find(Context& ctx, std::string id) {
//       YUN_TRY(row, co_await pool.one<Row>(ctx, "select ...", id));
//       co_return User{row.id, row.name};
//     }
//
// A child that does not suspend runs as a plain call: its caller never suspends and the stack stays flat in a loop of such calls.
// Frames come from a free list per thread. An exception that leaves a task is rethrown to its awaiter; it is a bug, not an error.
// Rules for writing coroutines with g++ 12 are in DESIGN "Coroutines on g++ 12" (docs/decisions/coroutines.md).

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace yun {

namespace runtime {

/// What the frame allocator of this thread has done so far; for tests that count.
struct FrameStats {
  std::uint64_t made = 0;    ///< frames asked for
  std::uint64_t mapped = 0;  ///< of those, served by the system's allocator rather than the free list
};
FrameStats frame_stats();

namespace detail {
void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size) noexcept;

struct PromiseBase {
  std::coroutine_handle<> continuation;
  std::exception_ptr exception;
  bool started = false;
  bool finished = false;

  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }

  struct Final {
    bool await_ready() noexcept { return false; }
    template <typename P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
      PromiseBase& promise = self.promise();
      promise.finished = true;
      return promise.continuation ? promise.continuation : std::noop_coroutine();
    }
    void await_resume() noexcept {}
  };
  std::suspend_always initial_suspend() noexcept { return {}; }
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }
};

template <typename T>
struct Promise : PromiseBase {
  std::optional<T> value;
  template <typename U>
    requires std::is_constructible_v<T, U&&>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() { return std::move(result()); }
  T& result() {
    if (exception) std::rethrow_exception(exception);
    return *value;
  }
};

template <>
struct Promise<void> : PromiseBase {
  void return_void() noexcept {}
  void take() { result(); }
  void result() {
    if (exception) std::rethrow_exception(exception);
  }
};
}  // namespace detail
}  // namespace runtime

template <typename T = void>
class [[nodiscard]] Task {
 public:
  struct promise_type : runtime::detail::Promise<T> {
    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
  };
  using value_type = T;

  Task() = default;
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  explicit operator bool() const { return static_cast<bool>(handle_); }

  /// For callers that are no coroutine: runs it until it suspends or ends. True: it has ended, result() has what it gave. False: it must be
  /// awaited, which then only waits for its end.
  bool run() {
    if (!std::exchange(handle_.promise().started, true)) handle_.resume();
    return handle_.promise().finished;
  }
  /// Once, of a task that has ended; valid as long as the task. Rethrows.
  decltype(auto) result() { return handle_.promise().result(); }

  auto operator co_await() && {
    struct Awaiter {
      std::coroutine_handle<promise_type> child;
      bool await_ready() { return false; }
      bool await_suspend(std::coroutine_handle<> parent) {
        if (!std::exchange(child.promise().started, true)) child.resume();
        if (child.promise().finished) return false;
        child.promise().continuation = parent;
        return true;
      }
      T await_resume() { return child.promise().take(); }
    };
    return Awaiter{handle_};
  }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

template <typename T>
inline constexpr bool is_task = false;
template <typename T>
inline constexpr bool is_task<Task<T>> = true;

namespace runtime::detail {
/// A coroutine that owns itself: it destroys its frame at its end. For the edges of the runtime only.
struct Detached {
  struct promise_type {
    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};
}  // namespace runtime::detail

}  // namespace yun
