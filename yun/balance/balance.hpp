#pragma once
// balance: where the endpoints of a service are and which of them takes the next call.
//
//     auto resolver = yun::balance::open("static://127.0.0.1:8081,127.0.0.1:8082");
//     yun::balance::Balancer balancer;
//     balancer.update(*co_await (*resolver)->resolve(ctx));
//     auto pick = balancer.pick();
//     pick->report(yun::balance::Outcome::Success);
//
// Endpoint, EndpointSet | Resolver, StaticResolver, DnsResolver, open | Balancer, Policy, Outcome | Dns

#include "yun/balance/balancer.hpp"
#include "yun/balance/dns_resolver.hpp"
#include "yun/balance/resolver.hpp"
