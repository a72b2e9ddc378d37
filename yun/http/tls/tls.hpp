#pragma once
// TLS as HTTP's own names have it: all of it is in yun/tls.

#include "yun/tls/context.hpp"

namespace yun::http::tls {
using namespace yun::tls;
}
