#include "yun/app/debug/html.hpp"

#include <gtest/gtest.h>

using namespace yun;
using namespace yun::app::debug;
using json::Value;

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  escape(out, text);
  return out;
}

std::string shown(const Value& value, std::string_view title = "Title") {
  Pages pages("<prog>");
  pages.add({"one", "One", "", [] { return Value(); }});
  return page({pages, "/debug/one", title, "About."}, value);
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST(DebugHtml, MarkupBecomesText) { EXPECT_EQ(escaped(R"(<a href="x" on='y'>&)"), "&lt;a href=&quot;x&quot; on=&#39;y&#39;&gt;&amp;"); }

TEST(DebugHtml, ControlsAndBadUtf8AreReplaced) {
  EXPECT_EQ(escaped("a\x01" "b"), "a\xef\xbf\xbd" "b");
  EXPECT_EQ(escaped("a\xff"), "a\xef\xbf\xbd");
  EXPECT_EQ(escaped("\xe4\xba\x91"), "\xe4\xba\x91");
}

TEST(DebugHtml, NothingThatIsShownCanBecomeMarkup) {
  const std::string evil = "<script>alert(1)</script>";
  const Value value = Value::object({{evil, evil}, {"list", Value::array({Value::object({{evil, evil}, {"deep", Value::array({evil})}}), evil})}, {evil + "2", Value::array()}});
  const std::string html = shown(value, evil);
  EXPECT_FALSE(has(html, "<script"));
  EXPECT_TRUE(has(html, "&lt;script&gt;alert(1)&lt;/script&gt;"));
  EXPECT_TRUE(has(html, "&lt;prog&gt;"));
}

TEST(DebugHtml, AListOfObjectsIsATableWithAllTheirMembers) {
  const std::string html = shown(Value::array({Value::object({{"a", 1}}), Value::object({{"b_c", 2}})}));
  EXPECT_TRUE(has(html, "<th scope=col>a</th><th scope=col>b c</th>"));
  EXPECT_TRUE(has(html, "<tr><td class=n>1</td><td class=none>–</td></tr>"));
  EXPECT_TRUE(has(html, "<tr><td class=none>–</td><td class=n>2</td></tr>"));
}

TEST(DebugHtml, ABadStateStandsOut) {
  EXPECT_TRUE(has(shown(Value::object({{"state", "ejected"}})), "<td class=bad>ejected</td>"));
  EXPECT_TRUE(has(shown(Value::object({{"state", "ok"}})), "<td class=good>ok</td>"));
}

TEST(DebugHtml, TheLinkOfThePageItselfIsMarked) { EXPECT_TRUE(has(shown(Value()), "<a href=\"/debug/one\" aria-current=page>One</a>")); }

TEST(DebugHtml, NothingIsLoadedFromElsewhere) {
  const std::string html = shown(Value::array());
  EXPECT_FALSE(has(html, "http:"));
  EXPECT_FALSE(has(html, "https:"));
  EXPECT_TRUE(has(html, "None."));
}
