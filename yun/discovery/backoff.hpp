#pragma once
// How long a driver waits before it asks a registry again that did not answer. Private to the room's drivers.

#include "yun/base/units.hpp"

namespace yun::discovery {

/// The time to wait after `failures` in a row (at least one): doubled each time from half a second to half a minute, with jitter.
Duration backoff(int failures);

}  // namespace yun::discovery
