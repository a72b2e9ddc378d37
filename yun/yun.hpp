#pragma once
// What an example or a small program needs. The library's own code includes what it uses instead.

#include "yun/app/app.hpp"
#include "yun/http/http.hpp"
#include "yun/observe/log/log.hpp"
#include "yun/rpc/rpc.hpp"
#include "yun/runtime/runtime.hpp"
#include "yun/sql/sql.hpp"
