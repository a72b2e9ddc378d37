#pragma once
// Rules on types, stated once: json::read checks them after reading, schemas show them, validate() checks a value made in code.
//
//     struct Line {
//       std::string product_id;
//       int quantity = 0;
//       static void rules(json::Rules<Line>& r) {
//         r.field(&Line::product_id).not_blank().max_length(64);
//         r.field(&Line::quantity).between(1, 1000);
//       }
//     };
//
// A rule on an optional field holds for what it has; rules of nested structs, elements and map values are checked too.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yun/base/result.hpp"
#include "yun/json/faults.hpp"
#include "yun/json/types.hpp"

namespace yun::json {

/// Checks the rules of T and of all it holds: InvalidArgument with every violation, as json::read gives.
template <typename T>
Result<void> validate(const T& value);

namespace detail {

class Pattern;

/// The rules on one field, whatever its type.
struct Constraints {
  // long double holds each 64-bit integer exactly.
  std::optional<long double> lowest, highest;
  std::optional<std::size_t> min_length, max_length;
  std::optional<std::size_t> min_items, max_items;
  bool email = false;
  bool not_blank = false;
  std::vector<std::string> one_of;
  std::shared_ptr<const Pattern> pattern;
  std::string pattern_text;

  void set_pattern(std::string text);
  void check_number(long double value, Faults& faults) const;
  void check_text(std::string_view text, Faults& faults) const;
  void check_size(std::size_t size, Faults& faults) const;
};

/// What a rule looks at: through optional and unique_ptr.
template <typename F>
struct Inner {
  using type = F;
};
template <Nullable F>
struct Inner<F> {
  using type = std::remove_cvref_t<decltype(*std::declval<F&>())>;
};
template <typename F>
using InnerOf = typename Inner<F>::type;

template <typename F>
concept Numeric = Integer<F> || Floating<F>;
template <typename F>
concept Sized = List<F> || Map<F>;

template <typename F>
void check(const Constraints& rules, const F& field, Faults& faults) {
  if constexpr (Nullable<F>) {
    if (field) check(rules, *field, faults);
  } else if constexpr (Numeric<F>) {
    rules.check_number(static_cast<long double>(field), faults);
  } else if constexpr (std::same_as<F, std::string>) {
    rules.check_text(field, faults);
  } else if constexpr (Sized<F>) {
    rules.check_size(static_cast<std::size_t>(std::ranges::distance(field)), faults);
  }
}

}  // namespace detail

/// The rules of one field of type F; each call adds one and gives the same object, so that they can be chained.
template <typename F>
class FieldRules {
 public:
  explicit FieldRules(detail::Constraints& to) : to_(&to) {}

  // Numbers, limits included.
  FieldRules& min(F lowest) requires detail::Numeric<F> { return to_->lowest = static_cast<long double>(lowest), *this; }
  FieldRules& max(F highest) requires detail::Numeric<F> { return to_->highest = static_cast<long double>(highest), *this; }
  FieldRules& between(F lowest, F highest) requires detail::Numeric<F> { return min(lowest).max(highest); }

  // Text; lengths in Unicode code points.
  FieldRules& min_length(std::size_t length) requires std::same_as<F, std::string> { return to_->min_length = length, *this; }
  FieldRules& max_length(std::size_t length) requires std::same_as<F, std::string> { return to_->max_length = length, *this; }
  /// Not empty, and not white space alone.
  FieldRules& not_blank() requires std::same_as<F, std::string> { return to_->not_blank = true, *this; }
  /// local@domain with a dotted domain, of the characters that HTML's e-mail input takes.
  FieldRules& email() requires std::same_as<F, std::string> { return to_->email = true, *this; }
  /// An ECMAScript regular expression found anywhere in the text: anchor it with ^ and $. Text over 4 KiB never matches. A bad
  /// expression is a bug: std::regex_error at first use.
  FieldRules& pattern(std::string expression) requires std::same_as<F, std::string> { return to_->set_pattern(std::move(expression)), *this; }
  FieldRules& one_of(std::vector<std::string> texts) requires std::same_as<F, std::string> { return to_->one_of = std::move(texts), *this; }

  // Lists and maps.
  FieldRules& min_items(std::size_t count) requires detail::Sized<F> { return to_->min_items = count, *this; }
  FieldRules& max_items(std::size_t count) requires detail::Sized<F> { return to_->max_items = count, *this; }

 private:
  detail::Constraints* to_;
};

/// Handed to T's `rules` function, once in the life of the program.
template <typename T>
class Rules {
 public:
  template <typename F>
  FieldRules<detail::InnerOf<F>> field(F T::*member);
  /// Rules on each element of a list.
  template <detail::List F>
  FieldRules<typename F::value_type> each(F T::*member);
  /// Anything else: `holds` must be true, else `detail` is a violation at `pointer`, which is relative to the T ("" for itself).
  /// Not asked when a part of the T could not be read.
  void check(std::string pointer, std::function<bool(const T&)> holds, std::string detail) {
    checks_.push_back({std::move(pointer), std::move(holds), std::move(detail)});
  }

  // For validation and schemas.
  struct FieldRule {
    std::size_t field;  ///< its place among the fields
    bool each = false;
    detail::Constraints constraints;
    std::function<void(const detail::Constraints&, const T&, Faults&)> check;
  };
  struct Check {
    std::string pointer;
    std::function<bool(const T&)> holds;
    std::string detail;
  };
  const std::vector<std::unique_ptr<FieldRule>>& fields() const { return fields_; }
  const std::vector<Check>& checks() const { return checks_; }
  /// T's own, made at first use.
  static const Rules& of();

 private:
  template <typename F>
  FieldRule& add(F T::*member, bool each);

  std::vector<std::unique_ptr<FieldRule>> fields_;
  std::vector<Check> checks_;
};

namespace detail {

template <typename T>
concept HasRules = Record<T> && requires(Rules<T>& rules) { T::rules(rules); };

/// Is there anything to look at inside?
template <typename T>
inline constexpr bool kIsLeaf = std::is_arithmetic_v<T> || std::is_enum_v<T> || Textual<T> || std::same_as<T, std::string> ||
                                std::same_as<T, Value> || std::same_as<T, Raw> || std::same_as<T, std::monostate>;

template <typename T>
void check_rules(const T& value, Faults& faults) {
  const auto& rules = Rules<T>::of();
  for (const auto& rule : rules.fields()) {
    const Place place(faults.top, reflect::names<T>()[rule->field]);
    rule->check(rule->constraints, value, faults);
  }
  if (rules.checks().empty()) return;
  const std::string here = Place::pointer(faults.top);
  if (faults.any_read_fault_under(here)) return;
  for (const auto& check : rules.checks())
    if (!check.holds(value)) faults.add_at(here + check.pointer, check.detail);
}

template <typename T>
void validate_value(const T& value, Faults& faults) {
  if constexpr (kIsLeaf<T>) {
    return;
  } else if constexpr (Nullable<T>) {
    if (value) validate_value(*value, faults);
  } else if constexpr (Variant<T>) {
    std::visit([&faults](const auto& alternative) { validate_value(alternative, faults); }, value);
  } else if constexpr (Map<T>) {
    if constexpr (!kIsLeaf<typename T::mapped_type>) {
      for (const auto& [key, element] : value) {
        const Place place(faults.top, key);
        validate_value(element, faults);
      }
    }
  } else if constexpr (List<T> || FixedArray<T>) {
    if constexpr (!kIsLeaf<std::ranges::range_value_t<T>>) {
      std::size_t i = 0;
      for (const auto& element : value) {
        const Place place(faults.top, i++);
        validate_value(element, faults);
      }
    }
  } else if constexpr (Record<T>) {
    if constexpr (HasRules<T>) check_rules(value, faults);
    reflect::for_each(value, [&faults]<typename F>(std::string_view name, const F& field) {
      if constexpr (!kIsLeaf<F>) {
        const Place place(faults.top, name);
        validate_value(field, faults);
      } else {
        (void)name;
        (void)field;
      }
    });
  }
}

Result<void> outcome_of(Faults& faults);

}  // namespace detail

template <typename T>
Result<void> validate(const T& value) {
  Faults faults;
  detail::validate_value(value, faults);
  return detail::outcome_of(faults);
}

template <typename T>
template <typename F>
FieldRules<detail::InnerOf<F>> Rules<T>::field(F T::*member) {
  FieldRule& rule = add(member, false);
  rule.check = [member](const detail::Constraints& rules, const T& value, Faults& faults) { detail::check(rules, value.*member, faults); };
  return FieldRules<detail::InnerOf<F>>(rule.constraints);
}

template <typename T>
template <detail::List F>
FieldRules<typename F::value_type> Rules<T>::each(F T::*member) {
  FieldRule& rule = add(member, true);
  rule.check = [member](const detail::Constraints& rules, const T& value, Faults& faults) {
    std::size_t i = 0;
    for (const auto& element : value.*member) {
      const Place place(faults.top, i++);
      detail::check(rules, element, faults);
    }
  };
  return FieldRules<typename F::value_type>(rule.constraints);
}

template <typename T>
template <typename F>
typename Rules<T>::FieldRule& Rules<T>::add(F T::*member, bool each) {
  auto rule = std::make_unique<FieldRule>();
  const auto& blank = reflect::detail::kBlank<T>.value;
  const void* const wanted = &(blank.*member);
  std::size_t i = 0;
  reflect::detail::with_fields(blank, [&](const auto&... field) { ((static_cast<const void*>(&field) == wanted ? rule->field = i++ : i++), ...); });
  rule->each = each;
  return *fields_.emplace_back(std::move(rule));
}

template <typename T>
const Rules<T>& Rules<T>::of() {
  static const Rules rules = [] {
    Rules made;
    if constexpr (detail::HasRules<T>) T::rules(made);
    return made;
  }();
  return rules;
}

}  // namespace yun::json
