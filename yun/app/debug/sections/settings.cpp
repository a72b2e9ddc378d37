// /debug/config: every setting, its value and who said so.

#include "yun/app/debug/sections/sections.hpp"

namespace yun::app::debug {

json::Value describe_settings(const Program& program) {
  json::Value list = json::Array{};
  for (const config::Setting& setting : program.settings)
    list.push_back(json::Value::object({{"setting", setting.name}, {"value", setting.value}, {"source", setting.source}}));
  return list;
}

}  // namespace yun::app::debug
