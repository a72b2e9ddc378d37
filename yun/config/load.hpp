#pragma once
// Settings: flags > environment > file > default, into a plain struct.
//
//     struct Settings {
//       std::string data = "./data";
//       struct Http { Duration idle_timeout = 60s; } http;               // a section
//       static constexpr config::Doc kDocs[] = {{"data", "folder of the database"}};
//     };
//     auto settings = config::load<Settings>({.program = "order", .argc = argc, .argv = argv});
//     if (!settings) return config::report(settings.error());
//
// `http.idle_timeout` is --http.idle-timeout 90s, YUN_HTTP__IDLE_TIMEOUT=90s, or in the file of --config (or YUN_CONFIG):
//     http:
//       idle_timeout: 90s
// All faults come at once. An unknown key, YUN_ variable or flag is one. Rules of the struct (json::Rules) are checked at the end.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yun/base/result.hpp"
#include "yun/config/yaml.hpp"
#include "yun/json/validate.hpp"

namespace yun::config {

/// One line of help for a field, by its name within the struct.
struct Doc {
  std::string_view name;
  std::string_view text;
};

/// One setting in force, as it may be shown.
struct Setting {
  std::string name;    ///< "http.idle_timeout"
  std::string value;   ///< secrets masked (mask.hpp)
  std::string source;  ///< "default", "flag --listen", "environment YUN_LISTEN", "file shop.yaml:3:9"
};

struct Spec {
  std::string program;
  int argc = 0;
  const char* const* argv = nullptr;
  std::string summary = {};                      ///< first line of --help
  std::vector<std::string>* operands = nullptr;  ///< takes what is no flag; null: there must be none
  /// All variables; nullopt: the process's own.
  std::optional<std::map<std::string, std::string>> environment = std::nullopt;
};

/// One T. Errors: see Loader::load.
template <typename T>
Result<T> load(Spec spec);

/// What a main() does with an error of load: prints help to stdout and gives 0, or prints what is wrong to stderr and gives 2.
int report(const Error& error);

/// Several structs from the same flags, variables and file: the program's and those of the parts that it is made of.
class Loader {
 public:
  explicit Loader(Spec spec);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// `settings` keeps its defaults where nothing is given, and must outlive load(). `section` "" = at the top. A name that two
  /// structs have is std::logic_error, a bug.
  template <typename T>
  Loader& bind(T& settings, std::string section = {});

  /// Fills everything bound. Errors: Cancelled with reason "help", its message is the help; InvalidArgument, one line a fault.
  Result<void> load();
  std::string help() const;
  /// All that is bound, as load() left it; by name.
  std::vector<Setting> settings() const;
  /// The file that was read; "" if none.
  const std::string& file() const { return file_; }

 private:
  struct Field {
    std::string path;
    std::string doc;
    std::string shape;    ///< "DURATION", "true|false", "round_robin|least_loaded"
    std::string initial;  ///< the default as it would be given
    bool is_flag = false; ///< needs no value
    bool is_list = false;
    bool is_map = false;
    bool is_text = false; ///< any text will do: "[" begins no list
    void* target = nullptr;
    bool (*read)(const Tree&, std::string_view path, void* target, Errors&) = nullptr;
    std::string (*text)(const void* target) = nullptr;  ///< its value as it would be given
    std::string place = {};  ///< where its value came from
  };
  struct Given {
    std::string name;
    std::vector<std::string> values;
  };

  template <typename T>
  void add_fields(T& settings, const std::string& section);
  template <typename T>
  static bool read_field(const Tree& tree, std::string_view path, void* target, Errors& errors) {
    return read_value(tree, path, *static_cast<T*>(target), errors);
  }
  template <typename T>
  static std::string text_field(const void* target);
  void add(Field field);
  Field* find(std::string_view path);
  void read_flags(std::vector<Given>& given, Errors& errors);
  void take_text(Field& field, const std::vector<std::string>& values, const std::string& source, Errors& errors);
  void take_file(Errors& errors);
  void refuse_unknown(const Tree& map, const std::string& path, Errors& errors) const;
  void take_environment(Errors& errors);
  void check(Errors& errors);

  Spec spec_;
  std::string file_;
  bool wants_help_ = false;
  std::vector<Field> fields_;
  struct Check {
    std::string section;
    std::function<Result<void>()> holds;
  };
  std::vector<Check> checks_;
};

// ---- detail ----

namespace detail {

/// A section, as opposed to one value.
template <typename T>
concept Section = json::detail::Record<T> && !std::same_as<T, Tree>;

template <typename T>
std::string_view doc_of(std::string_view name) {
  if constexpr (requires { T::kDocs; })
    for (const Doc& doc : T::kDocs)
      if (doc.name == name) return doc.text;
  return {};
}

std::string number_text(double value);

template <typename T>
std::string shape_of() {
  namespace jd = json::detail;
  if constexpr (jd::kIsOptional<T>) return shape_of<typename T::value_type>();
  else if constexpr (std::same_as<T, bool>) return "true|false";
  else if constexpr (jd::Integer<T> || jd::Floating<T>) return "NUMBER";
  else if constexpr (std::same_as<T, Duration>) return "DURATION";
  else if constexpr (std::same_as<T, Size>) return "SIZE";
  else if constexpr (std::same_as<T, Rate>) return "RATE";
  else if constexpr (jd::Enum<T>) {
    std::string names;
    for (const auto& entry : json::reflect::enum_table<T>().entries) names += (names.empty() ? "" : "|") + entry.name;
    return names;
  }
  else if constexpr (std::same_as<T, std::string> || jd::Textual<T>) return "TEXT";
  else if constexpr (jd::Map<T>) return "NAME=VALUE,...";
  else if constexpr (jd::List<T>) return shape_of<typename T::value_type>() + ",...";
  else return "YAML";
}

template <typename T>
std::string text_of(const T& value) {
  namespace jd = json::detail;
  if constexpr (jd::kIsOptional<T>) return value ? text_of(*value) : std::string();
  else if constexpr (std::same_as<T, bool>) return value ? "true" : "false";
  else if constexpr (jd::Integer<T>) return std::to_string(value);
  else if constexpr (jd::Floating<T>) return number_text(static_cast<double>(value));
  else if constexpr (std::same_as<T, std::string>) return value;
  else if constexpr (jd::Textual<T>) {
    std::string text;
    json::Text<T>::append(text, value);
    return text;
  }
  else if constexpr (jd::Enum<T>) return std::string(json::reflect::enum_name(value));
  else if constexpr (jd::Map<T>) {
    std::string text;
    for (const auto& [name, item] : value) text += (text.empty() ? "" : ",") + name + "=" + text_of(item);
    return text;
  }
  else if constexpr (jd::List<T>) {
    std::string text;
    for (const auto& item : value) text += (text.empty() ? "" : ",") + text_of(item);
    return text;
  }
  else return {};
}

}  // namespace detail

template <typename T>
Loader& Loader::bind(T& settings, std::string section) {
  static_assert(detail::Section<T>, "config: settings are a plain struct");
  add_fields(settings, section);
  checks_.push_back({std::move(section), [&settings] { return json::validate(settings); }});
  return *this;
}

template <typename T>
void Loader::add_fields(T& settings, const std::string& section) {
  namespace jd = json::detail;
  json::reflect::for_each(settings, [&]<typename F>(std::string_view name, F& value) {
    const std::string path = join_path(section, name);
    if constexpr (detail::Section<F>) {
      add_fields(value, path);
    } else {
      using Inner = typename jd::InnerOf<F>;
      add({.path = path,
           .doc = std::string(detail::doc_of<T>(name)),
           .shape = detail::shape_of<F>(),
           .initial = detail::text_of(value),
           .is_flag = std::same_as<Inner, bool>,
           .is_list = jd::List<Inner>,
           .is_map = jd::Map<Inner>,
           .is_text = std::same_as<Inner, std::string> || jd::Textual<Inner> || jd::Enum<Inner> || jd::Integer<Inner> || jd::Floating<Inner> ||
                      std::same_as<Inner, bool>,
           .target = &value,
           .read = &read_field<F>,
           .text = &text_field<F>});
    }
  });
}

template <typename T>
std::string Loader::text_field(const void* target) {
  return detail::text_of(*static_cast<const T*>(target));
}

template <typename T>
Result<T> load(Spec spec) {
  T settings{};
  Loader loader(std::move(spec));
  loader.bind(settings);
  auto loaded = loader.load();
  if (!loaded) return std::move(loaded).error();
  return settings;
}

}  // namespace yun::config
