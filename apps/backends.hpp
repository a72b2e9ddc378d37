#pragma once
// The environment of the shop's Deployment names its backends: DB_HOST, DB_PORT (MySQL) and CONSUL_ADDR.

#include <cstdlib>
#include <filesystem>
#include <string>

#include "yun/base/result.hpp"

namespace shop {

/// Unimplemented, naming the variable, if one asks for a driver that this build does not have: starting on the embedded database instead
/// would look well and lose data.
inline yun::Result<void> refuse_missing_backends() {
  for (const char* name : {"DB_HOST", "DB_PORT", "CONSUL_ADDR"}) {
    const char* value = std::getenv(name);
    if (!value || !*value) continue;
    const std::string driver = std::string(name) == "CONSUL_ADDR" ? "Consul" : "MySQL";
    return yun::unimplemented(std::string(name) + " is set to '" + value + "', but this build has no " + driver +
                              " driver; unset it to run on the embedded defaults");
  }
  return {};
}

/// The folder of a program's data, made if it is not there. The Error names it.
inline yun::Result<void> make_data_folder(const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return yun::from_errno(failed.value(), "data folder " + folder);
  return {};
}

}  // namespace shop
