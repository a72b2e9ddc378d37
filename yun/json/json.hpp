#pragma once
// json: plain structs to JSON text and back, with no macro and no tree between; the same types give validation and JSON Schema.
//
//     struct User { std::string id, name; std::optional<int> age; };
//     std::string text = yun::json::to_json(User{"42", "ann", {}});        // {"id":"42","name":"ann","age":null}
//     yun::Result<User> user = yun::json::read<User>(text);                // all faults at once, each with its pointer
//     yun::Result<yun::json::Value> any = yun::json::parse(R"({"a":[1]})");  // (*any)["a"][0].as_int()
//
// types.hpp     which C++ type is which JSON; kDefaults, kOmitEmpty, kTag; Text<T>, Raw
// write.hpp     write(out, value), to_json(value)
// read.hpp      read<T>(text, options); reader.hpp has ReadOptions and the pull parser Reader
// value.hpp     Value, Object, Array, parse(text), to_pretty(value)
// validate.hpp  Rules<T>, validate(value)
// schema.hpp    schema<T>(), Schemas (for OpenAPI)
// faults.hpp    Place, Faults (for those who extend the above)
// reflect.hpp   names<T>(), for_each(t, f), type_name<T>(), enum_name(e)

#include "yun/json/read.hpp"
#include "yun/json/schema.hpp"
#include "yun/json/value.hpp"
#include "yun/json/write.hpp"
