#include "yun/config/yaml.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

namespace yun::config {
namespace {

Environment variables(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

std::string fault_of(std::string_view text, const YamlOptions& options = {}) {
  auto tree = parse_yaml(text, "f.yaml", variables({}), options);
  return tree ? "no fault" : tree.error().message();
}

TEST(Yaml, KeepsTheOrderOfAMapAndThePlaceOfEachNode) {
  auto tree = parse_yaml("b: 1\na:\n  - x\n  - {y: z}\n", "f.yaml");
  ASSERT_TRUE(tree);
  ASSERT_EQ(tree->entries.size(), 2u);
  EXPECT_EQ(tree->entries[0].key, "b");
  EXPECT_EQ(tree->entries[0].value.line, 1);
  EXPECT_EQ(tree->entries[0].value.column, 4);
  const Tree* list = tree->find("a");
  ASSERT_TRUE(list && list->is_list());
  EXPECT_EQ(list->items[0].scalar, "x");
  EXPECT_EQ(list->items[0].line, 3);
  EXPECT_EQ(list->items[0].column, 5);
  const Entry* y = list->items[1].find_entry("y");
  ASSERT_TRUE(y);
  EXPECT_EQ(y->line, 4);
  EXPECT_EQ(y->column, 6);
  EXPECT_EQ(y->value.column, 9);
}

TEST(Yaml, AnEmptyTextIsNothing) {
  auto tree = parse_yaml("# only a comment\n", "f.yaml");
  ASSERT_TRUE(tree);
  EXPECT_TRUE(tree->is_null());
}

TEST(Yaml, TellsQuotedTextFromPlain) {
  auto tree = parse_yaml("a: \"80\"\nb: 80\nc: ~\n", "f.yaml");
  ASSERT_TRUE(tree);
  EXPECT_TRUE(tree->find("a")->quoted);
  EXPECT_FALSE(tree->find("b")->quoted);
  EXPECT_TRUE(tree->find("c")->is_null());
}

TEST(Yaml, RefusesDuplicateKeysAllAtOnce) {
  EXPECT_EQ(fault_of("a: 1\na: 2\nb: {c: 1, c: 2}\n"),
            "f.yaml:2:1: key \"a\" is given twice, first on line 1\n"
            "f.yaml:3:11: key \"c\" is given twice, first on line 3");
}

TEST(Yaml, RefusesWhatIsNotPlainConfiguration) {
  EXPECT_EQ(fault_of("a: !!int 3\n"), "f.yaml:1:4: tags are not allowed");
  EXPECT_EQ(fault_of("a: 1\n---\nb: 2\n"), "f.yaml:3:1: only one document is allowed");
  EXPECT_EQ(fault_of("a: &x {b: 1}\nc:\n  <<: *x\n"), "f.yaml:3:3: merge keys are not allowed");
  EXPECT_EQ(fault_of("? [a]\n: 1\n"), "f.yaml:1:3: a key must be a scalar");
  EXPECT_EQ(fault_of("~: 1\n"), "f.yaml:1:1: a key must be text, is nothing");
  EXPECT_EQ(fault_of(std::string_view("a: b\nc: \x04 d\n")), "f.yaml:2:4: a control character is not allowed");
  EXPECT_EQ(fault_of("a: \xff\n"), "f.yaml: not UTF-8");
}

TEST(Yaml, SaysWhereTheSyntaxIsWrong) {
  EXPECT_EQ(fault_of("a: [1, 2\n").substr(0, 9), "f.yaml:2:");
  EXPECT_EQ(fault_of("a:\n\t- b\n").substr(0, 9), "f.yaml:2:");
}

TEST(Yaml, CopiesAliasesWithinTheLimit) {
  auto tree = parse_yaml("a: &x [1, 2]\nb: *x\n", "f.yaml");
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->find("b")->items.size(), 2u);
  EXPECT_EQ(fault_of("a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]\n",
                     {.max_nodes = 1000}),
            "f.yaml:4:5: more than 1000 nodes");
  EXPECT_EQ(fault_of("a: &x [*x]\n"), "f.yaml:1:8: an alias inside its own anchor");
}

TEST(Yaml, BoundsDepthAndSize) {
  EXPECT_EQ(fault_of(std::string(70, '[') + std::string(70, ']')), "f.yaml:1:65: nested more than 64 deep");
  EXPECT_EQ(fault_of("a: bbbbbbbbbbbb", {.max_size = 8}), "f.yaml: larger than 8");
}

TEST(Yaml, ExpandsVariablesInsideOneScalar) {
  const auto environment = variables({{"HOST", "db"}, {"EMPTY", ""}, {"TRICK", "a\nb: c # x"}});
  auto tree = parse_yaml("a: http://${HOST}:${PORT:-80}/\nb: $${HOST} $5\nc: ${EMPTY:-x}${EMPTY}\nd: ${TRICK}\n${HOST}: k\n", "f.yaml", environment);
  ASSERT_TRUE(tree) << tree.error().message();
  EXPECT_EQ(tree->find("a")->scalar, "http://db:80/");
  EXPECT_EQ(tree->find("b")->scalar, "${HOST} $5");
  EXPECT_EQ(tree->find("c")->scalar, "x");
  EXPECT_EQ(tree->find("d")->scalar, "a\nb: c # x");
  EXPECT_EQ(tree->entries.size(), 5u);
  EXPECT_TRUE(tree->find("${HOST}"));
}

TEST(Yaml, NamesEveryVariableThatIsNotSet) {
  EXPECT_EQ(fault_of("a: ${NOPE}\nb: ${NO-PE}\nc: \"${\"\n"),
            "f.yaml:1:4: environment variable NOPE is not set; give a default with ${NOPE:-...}\n"
            "f.yaml:2:4: \"NO-PE\" is not the name of an environment variable\n"
            "f.yaml:3:4: \"${\" without \"}\"; write \"$${\" for the characters themselves");
}

TEST(Yaml, AMissingFileIsNotFound) {
  auto tree = load_yaml("/nonexistent/gateway.yaml");
  ASSERT_FALSE(tree);
  EXPECT_EQ(tree.error().code(), Code::NotFound);
}

enum class Mode { RoundRobin, LeastLoaded };
struct Limits {
  Size body{1024};
  Duration idle = std::chrono::seconds(60);
};
struct Server {
  std::string listen;
  std::uint16_t port = 1;
  bool tls = false;
  double share = 0.5;
  Mode mode = Mode::RoundRobin;
  Limits limits;
  std::vector<std::string> hosts;
  std::map<std::string, int> weights;
  std::optional<Rate> limit;
};

TEST(YamlReader, ReadsAPlainStruct) {
  auto tree = parse_yaml(
      "listen: ':8080'\nport: 65535\ntls: true\nshare: 0.25\nmode: least_loaded\nlimits: {body: 64KiB}\n"
      "hosts: [a, b]\nweights: {a: 1, b: -2}\nlimit: 100/s\n",
      "f.yaml");
  ASSERT_TRUE(tree) << tree.error().message();
  Errors errors("f.yaml");
  Server server;
  EXPECT_TRUE(read_value(*tree, "", server, errors));
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(server.listen, ":8080");
  EXPECT_EQ(server.port, 65535);
  EXPECT_TRUE(server.tls);
  EXPECT_EQ(server.share, 0.25);
  EXPECT_EQ(server.mode, Mode::LeastLoaded);
  EXPECT_EQ(server.limits.body.bytes, 65536u);
  EXPECT_EQ(server.limits.idle, std::chrono::seconds(60));
  EXPECT_EQ(server.hosts, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(server.weights.at("b"), -2);
  ASSERT_TRUE(server.limit);
  EXPECT_EQ(server.limit->count, 100);
}

TEST(YamlReader, GivesAllFaultsAtOnceWithPlaceAndNearestName) {
  auto tree = parse_yaml(
      "lisen: ':8080'\nport: 70000\ntls: yes\nshare: much\nmode: least_laoded\nlimits:\n  body: 64Kb\n  idel: 3s\nhosts: a\nweights: {a: x}\n", "f.yaml");
  ASSERT_TRUE(tree) << tree.error().message();
  Errors errors("f.yaml");
  Server server;
  EXPECT_FALSE(read_value(*tree, "", server, errors));
  const auto lines = errors.lines();
  ASSERT_EQ(lines.size(), 9u) << errors.to_error().message();
  EXPECT_EQ(lines[0], "f.yaml:1:1: lisen: unknown key; did you mean \"listen\"?");
  EXPECT_EQ(lines[1], "f.yaml:2:7: port: must be a whole number from 0 to 65535, is \"70000\"");
  EXPECT_EQ(lines[2], "f.yaml:3:6: tls: must be true or false, is \"yes\"");
  EXPECT_EQ(lines[3], "f.yaml:4:8: share: must be a number, is \"much\"");
  EXPECT_EQ(lines[4], "f.yaml:5:7: mode: must be one of round_robin, least_loaded, is \"least_laoded\"; did you mean \"least_loaded\"?");
  EXPECT_EQ(lines[5].substr(0, 25), "f.yaml:7:9: limits.body: ");
  EXPECT_EQ(lines[6], "f.yaml:8:3: limits.idel: unknown key; did you mean \"idle\"?");
  EXPECT_EQ(lines[7], "f.yaml:9:8: hosts: must be a list, is \"a\"");
  EXPECT_EQ(lines[8], "f.yaml:10:14: weights.a: must be a whole number from -2147483648 to 2147483647, is \"x\"");
}

TEST(YamlReader, ReadsAMapKeyByKey) {
  auto tree = parse_yaml("upstreams:\n  users: {lb: p2c}\nlistne: x\n", "g.yaml");
  ASSERT_TRUE(tree);
  Errors errors("g.yaml");
  Reader reader(*tree, "", errors);
  std::string listen = "default";
  EXPECT_FALSE(reader.get("listen", listen));
  EXPECT_EQ(listen, "default");
  Reader upstreams = reader.section("upstreams");
  for (const Entry& entry : upstreams.tree().entries) {
    Reader upstream(entry.value, join_path(upstreams.path(), entry.key), errors);
    std::string lb, to;
    EXPECT_TRUE(upstream.get("lb", lb));
    EXPECT_FALSE(upstream.require("to", to));
    upstream.fault("lb", unknown("balancer", "p2x", std::vector<std::string>{"p2c", "round_robin"}));
    upstream.finish();
  }
  reader.finish();
  EXPECT_EQ(errors.to_error().message(),
            "g.yaml:2:10: upstreams.users: to: is required\n"
            "g.yaml:2:15: upstreams.users.lb: unknown balancer \"p2x\"; did you mean \"p2c\"?\n"
            "g.yaml:3:1: listne: unknown key; did you mean \"listen\"?");
}

}  // namespace
}  // namespace yun::config
