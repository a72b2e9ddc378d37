#pragma once
// Fluentd: lines by the forward protocol (v1) to Fluentd, Fluent Bit and whatever else speaks it.
//
//     fluentd://host:24224/?tag=shop.order&ack=true
//
// Forward mode: a message is a tag and many entries, each with its time to the nanosecond (EventTime) and the line's own fields as the record. With `ack` (the
// default) a message counts as taken only when its chunk id comes back; without, when the kernel has it. `tag` is the service's name if none is given.
// TLS and the shared-key handshake are not spoken. The connection is made anew after every failure.
// https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1

#include <memory>
#include <string>

#include "yun/telemetry/logs/push.hpp"
#include "yun/telemetry/logs/url.hpp"

namespace yun::telemetry::logs {

/// One message; with `chunk` ("" = none) its receiver is asked to acknowledge it. A line that is no JSON object is the record {"message": line}.
std::string fluentd_message(std::string_view tag, std::string_view lines, std::string_view chunk);
/// The chunk id of an acknowledgement; nullopt while `bytes` is the beginning of one. InvalidArgument for anything else.
Result<std::optional<std::string>> read_acknowledgement(std::string_view bytes);

std::unique_ptr<Sender> make_fluentd(const Url& url, const std::string& service);

}  // namespace yun::telemetry::logs
