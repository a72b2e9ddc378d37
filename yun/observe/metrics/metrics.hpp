#pragma once
// Metrics: counters, gauges and histograms in Prometheus's formats. Begin with registry.hpp.

#include "yun/observe/metrics/process.hpp"
#include "yun/observe/metrics/registry.hpp"
