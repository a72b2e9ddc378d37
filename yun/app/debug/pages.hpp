#pragma once
// The debug pages of the admin listener: /debug/ and a page for each section, for people in a browser and for curl.
//
//     pages.add({.name = "outbox", .title = "Outbox", .about = "Events that wait.", .write = [&] { return outbox.describe(); }});
//
// A section gives a json::Value; as HTML an object is a table of names and values, a list of objects a table with a column for each member. A browser (Accept
// has text/html) gets HTML, everybody else the Value as JSON; ?format=html and ?format=json say it outright. What a section gives is text, never markup.

#include <functional>
#include <string>
#include <vector>

#include "yun/http/router/router.hpp"
#include "yun/json/value.hpp"

namespace yun::app::debug {

struct Section {
  std::string name;   ///< of the path: /debug/<name>; "" is /debug/ itself
  std::string title;
  std::string about;  ///< one sentence below the title
  /// On the loop that serves the page, several at once: what it looks at is thread-safe or that loop's own. Must not wait.
  std::function<json::Value()> write;
};

class Pages {
 public:
  /// `program` is in each title.
  explicit Pages(std::string program) : program_(std::move(program)) {}
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  /// Before serve(). A name that is taken is std::logic_error, a bug.
  void add(Section section);
  /// A page that is not a section, for the links at the top: "/debug/pprof/".
  void add_link(std::string path, std::string title);
  /// Adds the routes; this must outlive the router.
  void serve(http::Router& router) const;

  struct Link {
    std::string path, title;
  };
  const std::string& program() const { return program_; }
  const std::vector<Section>& sections() const { return sections_; }
  const std::vector<Link>& links() const { return links_; }

 private:
  http::Response answer(Context& ctx, const http::Request& request, std::string_view name) const;
  std::string program_;
  std::vector<Section> sections_;
  std::vector<Link> links_;
};

/// A page in the form that the request asks for.
http::Response respond(const http::Request& request, const Pages& pages, std::string_view path, std::string_view title, std::string_view about,
                       const json::Value& value);

}  // namespace yun::app::debug
