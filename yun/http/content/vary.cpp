#include "yun/http/content/vary.hpp"

#include "yun/base/strings.hpp"

namespace yun::http {

void add_vary(Response& response, std::string_view name) {
  const std::string said = response.headers.joined("vary");
  for (const auto word : split(said, ',')) {
    if (word == "*" || iequals(word, name)) return;
  }
  response.headers.set("vary", said.empty() ? std::string(name) : said + ", " + std::string(name));
}

}  // namespace yun::http
