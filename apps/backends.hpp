#pragma once
// Which backends the shop runs on. The environment of its Deployment names them: DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD or
// DB_PASSWORD_FILE (MySQL), REDIS_ADDR and CONSUL_ADDR (host:port), or DISCOVERY_URL for another registry (etcd://etcd:2379, nacos://nacos:8848?group=shop).
// Without them the embedded defaults serve.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "yun/base/result.hpp"
#include "yun/base/strings.hpp"

namespace shop {

inline std::string variable(const char* name, std::string otherwise = {}) {
  const char* value = std::getenv(name);
  return value && *value ? value : std::move(otherwise);
}

/// The registry's URL, if DISCOVERY_URL or CONSUL_ADDR names one: as it is, to register there, or with a service to look for and what is asked besides ("keep=f").
inline std::string registry_url(const std::string& service = {}, const std::string& parameters = {}) {
  std::string url = variable("DISCOVERY_URL");
  if (const std::string address = variable("CONSUL_ADDR"); url.empty() && !address.empty()) url = "consul://" + address + "?check=http&interval=1s";
  if (url.empty() || service.empty()) return url;
  const auto question = url.find('?');
  std::string path = url.substr(0, question);
  while (path.ends_with('/')) path.pop_back();
  const std::string given = question == std::string::npos ? "" : url.substr(question + 1);
  const std::string all = given + (given.empty() || parameters.empty() ? "" : "&") + parameters;
  return path + "/" + service + (all.empty() ? "" : "?" + all);
}

/// The database that DB_HOST and the like name, else `embedded`.
inline yun::Result<std::string> database_url(const std::string& embedded) {
  const std::string host = variable("DB_HOST");
  if (host.empty()) {
    if (variable("DB_PORT").empty()) return embedded;
    return yun::invalid_argument("DB_PORT is set, but DB_HOST is not");
  }
  std::string password = variable("DB_PASSWORD");
  if (const std::string file = variable("DB_PASSWORD_FILE"); !file.empty()) {
    std::ifstream in(file);
    if (!std::getline(in, password)) return yun::invalid_argument("DB_PASSWORD_FILE: " + file + " cannot be read");
  }
  return "mysql://" + yun::percent_encode(variable("DB_USER", "shop")) + ":" + yun::percent_encode(password) + "@" + host + ":" + variable("DB_PORT", "3306") +
         "/" + yun::percent_encode(variable("DB_NAME", "shop")) + "?idle_transaction=1s";
}

/// The Redis of REDIS_ADDR (host:port) with a small memory before it, else memory alone.
inline std::string cache_url() {
  const std::string address = variable("REDIS_ADDR");
  return address.empty() ? "memory://?max=8MiB" : "redis://" + address + "?prefix=shop:&memory=8MiB";
}

/// The folder of a program's data, made if it is not there. The Error names it.
inline yun::Result<void> make_data_folder(const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return yun::from_errno(failed.value(), "data folder " + folder);
  return {};
}

}  // namespace shop
