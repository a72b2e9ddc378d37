#pragma once
// What is still in the rings when a signal kills the process is written first.

namespace yun::observe::log {

/// Once: takes the fatal signals (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT) that nobody handles. The handler gives the writer's thread up to half a second
/// and then lets the signal do what it would have done: core dump and exit status are the same. Not the writer's own crash, nor a stack that is full.
void flush_on_crash();

}  // namespace yun::observe::log
