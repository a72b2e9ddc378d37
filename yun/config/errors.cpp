#include <algorithm>
#include <tuple>

#include "yun/base/strings.hpp"
#include "yun/config/yaml.hpp"

namespace yun::config {

void Errors::add(int line, int column, std::string_view path, std::string_view message) {
  if (list_.size() >= limit_) {
    ++dropped_;
    return;
  }
  std::string text(path);
  if (!text.empty()) text += ": ";
  text += message;
  list_.push_back({source_, line, column, std::move(text)});
}

void Errors::append(const Errors& other) {
  for (const Fault& fault : other.list_) {
    if (list_.size() >= limit_)
      ++dropped_;
    else
      list_.push_back(fault);
  }
  dropped_ += other.dropped_;
}

std::vector<std::string> Errors::lines() const {
  // Sources stay in the order they came in; within one, by place.
  std::vector<std::string_view> sources;
  for (const Fault& fault : list_)
    if (std::find(sources.begin(), sources.end(), fault.source) == sources.end()) sources.push_back(fault.source);
  std::vector<std::string> out;
  for (const std::string_view source : sources) {
    std::vector<const Fault*> faults;
    for (const Fault& fault : list_)
      if (fault.source == source) faults.push_back(&fault);
    // Of one place, in the order they were found: they lie in one vector.
    std::sort(faults.begin(), faults.end(), [](const Fault* a, const Fault* b) { return std::tuple(a->line, a->column, a) < std::tuple(b->line, b->column, b); });
    for (const Fault* fault : faults) {
      std::string line = fault->source;
      if (fault->line > 0) line += ":" + std::to_string(fault->line) + ":" + std::to_string(fault->column);
      if (!line.empty()) line += ": ";
      out.push_back(line + fault->text);
    }
  }
  if (dropped_) out.push_back(std::to_string(dropped_) + " more errors are not shown");
  return out;
}

Error Errors::to_error() const {
  std::string message;
  for (const std::string& line : lines()) message += (message.empty() ? "" : "\n") + line;
  return invalid_argument(std::move(message)).with_reason("invalid_configuration");
}

std::string unknown(std::string_view what, std::string_view word, std::span<const std::string_view> candidates) {
  std::string text = "unknown " + std::string(what) + " \"" + std::string(word) + "\"";
  if (const auto near = nearest(word, candidates)) text += "; did you mean \"" + std::string(*near) + "\"?";
  return text;
}

std::string unknown(std::string_view what, std::string_view word, const std::vector<std::string>& candidates) {
  const std::vector<std::string_view> views(candidates.begin(), candidates.end());
  return unknown(what, word, std::span<const std::string_view>(views));
}

std::string join_path(std::string_view path, std::string_view key) {
  std::string joined(path);
  if (!joined.empty() && !key.empty()) joined += '.';
  return joined.append(key);
}

std::string join_path(std::string_view path, std::size_t index) {
  return std::string(path) + "[" + std::to_string(index) + "]";
}

}  // namespace yun::config
