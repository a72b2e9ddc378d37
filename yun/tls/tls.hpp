#pragma once
// tls: TLS 1.2 and 1.3 over a runtime::Socket, for servers and clients of any protocol.
//
//     YUN_TRY(context, tls::TlsContext::client({.ca_file = "ca.pem"}));
//     auto transport = context->connect(std::move(socket), "cache.internal");
//     YUN_CHECK(co_await tls::handshake(ctx, *transport));
//
// context.hpp   TlsContext, ServerTls, ClientTls, handshake, peer_subject

#include "yun/tls/context.hpp"
