#include "yun/telemetry/transport.hpp"

#include "yun/http/tls/tls.hpp"

namespace yun::telemetry {

Result<std::unique_ptr<Transport>> Transport::make(Signal signal, const Target& target) {
  // A file that cannot be read is said now, not with each try.
  if (target.url.starts_with("https://")) {
    YUN_GET(checked, http::tls::TlsContext::client({.ca_file = target.ca_file, .certificate_file = target.certificate_file, .key_file = target.key_file}));
    (void)checked;
  }
  return target.protocol == Protocol::Grpc ? detail::make_grpc(signal, target) : detail::make_http(target);
}

bool is_transient(const Error& error) {
  switch (error.code()) {
    case Code::Cancelled:
    case Code::DeadlineExceeded:
    case Code::Aborted:
    case Code::OutOfRange:
    case Code::Unavailable:
    case Code::DataLoss: return true;
    case Code::ResourceExhausted: return error.retry_after().has_value();
    default: return false;
  }
}

}  // namespace yun::telemetry
