#pragma once
// Link: one connection of one loop, kept up as long as it is wanted. Commands go out in the order in which they are given, all that is given in one
// turn of the loop in one write; answers come in that order. Private to the room.
//
// It is Starting until the first try has ended (callers may wait for that), then Up or Away. An Up link whose server says nothing for `stall` while an
// answer is due is Stalled: it refuses commands until an answer comes, and is closed after `silence`.

#include <deque>
#include <memory>

#include "yun/cache/redis/notices.hpp"
#include "yun/cache/redis/wire.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::cache::redis {

class Link final : private runtime::Timer {
 public:
  Link(std::shared_ptr<const Options> options, std::shared_ptr<Notices> notices);
  ~Link() = default;

  /// Connects, serves, and connects again until close(). Spawn it once on the loop.
  static Task<void> run(std::shared_ptr<Link> self);
  void close();

  /// A command under way. If it goes before `done` is set, its answer will be dropped.
  class Call {
   public:
    Call() = default;
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call();
    runtime::Event done;
    Result<Value> answer = unavailable("redis command was not sent");

   private:
    friend class Link;
    Link* link_ = nullptr;
    std::uint64_t number_ = 0;
  };

  /// Unavailable with reason redis_unavailable unless it is Up, with redis_queue_full beyond a limit, ResourceExhausted (redis_command_too_large) for what
  /// can never go. Else the command is on its way.
  Result<void> send(Call& call, const Command& command);
  bool is_up() const { return state_ == State::Up; }
  std::size_t in_flight() const { return in_flight_.size(); }
  /// Set once the first try to connect has ended, well or not.
  runtime::Event& settled() { return settled_; }

 private:
  enum class State : std::uint8_t { Starting, Up, Stalled, Away };
  struct Slot {
    Call* call;  ///< null: given up
    TimePoint sent;
  };

  Task<Error> serve(std::unique_ptr<Wire> wire);
  Task<void> write(Wire& wire, Cancel& session);
  Task<Error> read(Wire& wire, Cancel& session);
  void come_up(Wire& wire, Cancel& session);
  void go_down(Error why);
  void on_answer(Value reply);
  void forget(const Call& call);
  /// How long the answer that is due has kept us waiting, and since when.
  TimePoint waiting_since() const;
  void on_timer() noexcept override;

  std::shared_ptr<const Options> options_;
  std::shared_ptr<Notices> notices_;
  Context stop_;
  State state_ = State::Starting;
  Error away_;
  runtime::Event settled_;
  Wire* wire_ = nullptr;       ///< while Up or Stalled
  Cancel* session_ = nullptr;  ///< as wire_: cancelled, the connection ends
  Buffer out_;
  std::size_t writing_ = 0;  ///< bytes that the writer has taken from out_
  runtime::Event something_to_write_;
  std::deque<Slot> in_flight_;
  std::uint64_t first_number_ = 0;  ///< of in_flight_.front()
};

}  // namespace yun::cache::redis
