#pragma once
// Fields of numbers, from JSON's text to the wire. Not for users.

#include <string>
#include <string_view>

#include "yun/rpc/schema_types.hpp"

namespace yun::rpc {

/// The field's tag: its number and how its kind lies on the wire.
void put_tag(std::string& out, const FieldType& field);

/// Tag and value of an integer of any kind but Enum and Bool: a whole number, also as "1.0" or "1e2". False, and nothing written, if it is
/// none or out of the kind's range.
bool put_integer(std::string& out, const FieldType& field, std::string_view text);
/// What an integer of that kind must be, for the violation.
std::string integer_rule(FieldKind kind);

/// Tag and value of a Double or a Float; false, and nothing written, if a Float cannot hold it.
bool put_floating(std::string& out, const FieldType& field, double value);

}  // namespace yun::rpc
