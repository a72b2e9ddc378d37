#pragma once
// base: what every other room stands on: errors as values, bytes, text, units, ids. Knows only the standard library.
//
//     yun::Result<yun::Duration> timeout = yun::parse_duration("250ms");
//     if (!timeout) return std::move(timeout).error().with_context("flag --timeout");
//     std::string id = yun::new_id();                       // "0193...": sorts by time
//     yun::Buffer buffer;  buffer.append("GET / HTTP/1.1\r\n");
//     int status = yun::http_status(yun::not_found("no such user"));  // 404
//
// error.hpp    Code, Error, FieldViolation, not_found() and the like, http_status(), code_from_http(), from_errno()
// result.hpp   Result<T>, YUN_TRY, YUN_CHECK, YUN_GET
// buffer.hpp   Buffer
// units.hpp    Duration, Time, Size, Rate, parse_* and format_*, now(), _KiB _MiB _GiB
// strings.hpp  trim, split, parse_u64, base64, hex, percent, UTF-8, nearest, constant_time_equal
// ids.hpp      random_u64, random_unit, secure_random, new_id
// sanitizers.hpp  kSanitized, poison, unpoison

#include "yun/base/buffer.hpp"
#include "yun/base/error.hpp"
#include "yun/base/ids.hpp"
#include "yun/base/result.hpp"
#include "yun/base/strings.hpp"
#include "yun/base/units.hpp"
