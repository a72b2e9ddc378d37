#include "yun/observe/log/crash.hpp"

#include <pthread.h>
#include <signal.h>

#include <cerrno>
#include <chrono>

#include "yun/observe/log/writer.hpp"

namespace yun::observe::log {
namespace {

constexpr std::chrono::milliseconds kMost{500};

extern "C" void on_crash(int signal) {
  const int error = errno;
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  ::sigaction(signal, &standard, nullptr);
  Writer::instance().await_in_signal(kMost);
  errno = error;
  // A fault comes again when the instruction is done again, abort() raises its signal again; what kill() sent does not.
  ::raise(signal);
}

}  // namespace

void flush_on_crash() {
  static const bool once = [] {
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
      struct sigaction before {};
      if (::sigaction(signal, nullptr, &before) != 0 || (before.sa_flags & SA_SIGINFO) || before.sa_handler != SIG_DFL) continue;
      struct sigaction mine {};
      mine.sa_handler = on_crash;
      mine.sa_flags = SA_ONSTACK;
      ::sigaction(signal, &mine, nullptr);
    }
    return true;
  }();
  (void)once;
}

}  // namespace yun::observe::log
