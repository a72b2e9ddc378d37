#pragma once
// runtime: coroutines on one epoll loop per core, with cancellation and deadlines that reach everything that waits.
//
//     yun::Task<yun::Result<void>> tick(yun::Cancel& cancel) {
//       YUN_CHECK(co_await yun::runtime::sleep_for(cancel, 100ms));
//       co_return yun::Result<void>();
//     }
//     auto result = yun::runtime::block_on(tick(cancel));
//
// Task, Cancel | Loop, Watch, Fd, Timer | Sleep, Event, Semaphore, Channel, Scope | Runtime, BlockingPool, run_on, Signals |
// Address, Socket, Listener, Transport

#include "yun/runtime/cancel.hpp"
#include "yun/runtime/loop.hpp"
#include "yun/runtime/net.hpp"
#include "yun/runtime/task.hpp"
#include "yun/runtime/threads.hpp"
#include "yun/runtime/wait.hpp"
