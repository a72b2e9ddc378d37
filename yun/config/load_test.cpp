#include "yun/config/load.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace yun::config {
namespace {

using namespace std::chrono_literals;

enum class Mode { RoundRobin, LeastLoaded };

struct Settings {
  std::string listen = ":8080";
  unsigned loops = 0;
  bool tls = false;
  Mode mode = Mode::RoundRobin;
  std::vector<std::string> hosts = {"a", "b"};
  std::map<std::string, int> weights;
  std::optional<Rate> limit;
  struct Http {
    Duration idle_timeout = 60s;
    Size max_body{1 << 20};
    static constexpr Doc kDocs[] = {{"idle_timeout", "how long a connection may be idle"}};
  } http;
  static constexpr Doc kDocs[] = {{"listen", "address of the service"}, {"tls", "encrypt"}};
  static void rules(json::Rules<Settings>& r) { r.field(&Settings::loops).max(64u); }
};

using Variables = std::map<std::string, std::string>;

class Load : public ::testing::Test {
 protected:
  void TearDown() override {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  std::string file(const std::string& text) {
    path_ = ::testing::TempDir() + "yun_load_test_" + std::to_string(::getpid()) + ".yaml";
    std::ofstream(path_) << text;
    return path_;
  }
  Result<Settings> load(std::vector<const char*> arguments, Variables variables = {}) {
    arguments.insert(arguments.begin(), "prog");
    return config::load<Settings>(
        {.program = "prog", .argc = static_cast<int>(arguments.size()), .argv = arguments.data(), .environment = std::move(variables)});
  }
  std::string fault(std::vector<const char*> arguments, Variables variables = {}) {
    auto settings = load(std::move(arguments), std::move(variables));
    return settings ? "no fault" : settings.error().message();
  }
  std::string path_;
};

TEST_F(Load, KeepsDefaults) {
  auto settings = load({});
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->listen, ":8080");
  EXPECT_EQ(settings->http.idle_timeout, 60s);
}

TEST_F(Load, FlagsWinOverVariablesOverTheFile) {
  const std::string path = file("listen: ':1'\nloops: 1\ntls: true\nhttp:\n  idle_timeout: 1s\n  max_body: 1KiB\n");
  auto settings = load({"--config", path.c_str(), "--listen", ":3", "--http.idle-timeout=3s"},
                       {{"YUN_LISTEN", ":2"}, {"YUN_HTTP__IDLE_TIMEOUT", "2s"}, {"YUN_LOOPS", "2"}, {"HOME", "/x"}});
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->listen, ":3");
  EXPECT_EQ(settings->http.idle_timeout, 3s);
  EXPECT_EQ(settings->loops, 2u);
  EXPECT_TRUE(settings->tls);
  EXPECT_EQ(settings->http.max_body.bytes, 1024u);
}

TEST_F(Load, TakesTheFileFromTheEnvironment) {
  auto settings = load({}, {{"YUN_CONFIG", file("loops: 7\n")}});
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->loops, 7u);
}

TEST_F(Load, ReadsListsMapsAndSwitches) {
  auto settings = load({"--hosts", "x,y", "--hosts", "z", "--weights", "a=1,b=2", "--tls", "--limit", "5/s", "--mode", "least_loaded"});
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->hosts, (std::vector<std::string>{"x", "y", "z"}));
  EXPECT_EQ(settings->weights, (std::map<std::string, int>{{"a", 1}, {"b", 2}}));
  EXPECT_TRUE(settings->tls);
  EXPECT_EQ(settings->limit->count, 5);
  EXPECT_EQ(settings->mode, Mode::LeastLoaded);
  auto other = load({"--no-tls", "--hosts=[p, 'q,r']"});
  ASSERT_TRUE(other) << other.error().message();
  EXPECT_FALSE(other->tls);
  EXPECT_EQ(other->hosts, (std::vector<std::string>{"p", "q,r"}));
}

TEST_F(Load, GivesEveryFaultOfEverySourceAtOnce) {
  const std::string path = file("lisen: x\nhttp:\n  idel_timeout: 1s\n  max_body: lots\nhosts: 3\n");
  const std::string text = fault({"--config", path.c_str(), "--lops", "3", "--tls=maybe", "extra"}, {{"YUN_LOPS", "2"}, {"YUN_LOOPS", "two"}});
  EXPECT_EQ(text, path + ":1:1: lisen: unknown key; did you mean \"listen\"?\n" + path +
                      ":3:3: http.idel_timeout: unknown key; did you mean \"idle_timeout\"?\n" + path + ":4:13: http.max_body: " +
                      parse_size("lots").error().message() + "\n" + path + ":5:8: hosts: must be a list, is \"3\"\n" +
                      "YUN_LOOPS: must be a whole number from 0 to 4294967295, is \"two\"\n"
                      "unknown environment variable YUN_LOPS; did you mean \"YUN_LOOPS\"?\n"
                      "unknown flag --lops; did you mean \"--loops\"?\n"
                      "unexpected argument \"extra\"\n"
                      "--tls: must be true or false, is \"maybe\"");
}

TEST_F(Load, RefusesAFlagTwiceOrWithoutItsValue) {
  EXPECT_EQ(fault({"--listen", "a", "--listen", "b"}), "--listen: given twice");
  EXPECT_EQ(fault({"--listen"}), "--listen: needs a value");
  EXPECT_EQ(fault({"--config"}), "--config: needs a value");
}

TEST_F(Load, ChecksTheRulesAndNamesThePlace) {
  EXPECT_EQ(fault({"--loops", "65"}).substr(0, 16), "--loops: loops: ");
  const std::string path = file("listen: x\nloops: 65\n");
  EXPECT_EQ(fault({"--config", path.c_str()}).substr(0, path.size() + 13), path + ":2:8: loops: ");
}

TEST_F(Load, AMissingFileIsAFault) { EXPECT_NE(fault({"--config", "/nonexistent.yaml"}).find("/nonexistent.yaml"), std::string::npos); }

TEST_F(Load, PrintsHelpFromTheStruct) {
  auto settings = load({"--help", "--nonsense"});
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().reason(), "help");
  EXPECT_EQ(settings.error().message(),
            "usage: prog [flags]\n"
            "\n"
            "flags:\n"
            "  --config FILE                    settings as YAML; $YUN_CONFIG\n"
            "  --help                           this\n"
            "  --listen TEXT                    address of the service (default :8080)\n"
            "  --loops NUMBER                   (default 0)\n"
            "  --tls                            encrypt (default false)\n"
            "  --mode round_robin|least_loaded  (default round_robin)\n"
            "  --hosts TEXT,...                 (default a,b)\n"
            "  --weights NAME=VALUE,...\n"
            "  --limit RATE\n"
            "  --http.idle-timeout DURATION     how long a connection may be idle (default " + format_duration(60s) + ")\n"
            "  --http.max-body SIZE             (default 1MiB)\n"
            "\n"
            "Each flag is also a key of the file and an environment variable: --http.idle-timeout is\n"
            "http: {idle_timeout: ..} and YUN_HTTP__IDLE_TIMEOUT. Flags win over variables, variables over the file.\n");
}

struct Own {
  std::string data = "./data";
};

TEST_F(Load, FillsSeveralStructsFromTheSameSources) {
  const std::string path = file("data: ./d\nlisten: ':9'\nextra:\n  data: e\n");
  Settings shared;
  Own own, extra;
  const char* arguments[] = {"prog", "--config", path.c_str(), "--loops", "2"};
  Loader loader({.program = "prog", .argc = 5, .argv = arguments, .environment = Variables{}});
  loader.bind(shared).bind(own).bind(extra, "extra");
  auto loaded = loader.load();
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(shared.listen, ":9");
  EXPECT_EQ(shared.loops, 2u);
  EXPECT_EQ(own.data, "./d");
  EXPECT_EQ(extra.data, "e");
  EXPECT_EQ(loader.file(), path);
  EXPECT_THROW(loader.bind(own), std::logic_error);
}

TEST_F(Load, CollectsOperands) {
  std::vector<std::string> operands;
  const char* arguments[] = {"prog", "check", "--tls", "--", "--file"};
  auto settings = config::load<Settings>({.program = "prog", .argc = 5, .argv = arguments, .operands = &operands, .environment = Variables{}});
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(operands, (std::vector<std::string>{"check", "--file"}));
  EXPECT_TRUE(settings->tls);
}

struct Secretive {
  std::string listen = ":8080";
  std::string password = "none";
  std::string store = "memory://";
  Duration wait = 5s;
};

TEST_F(Load, SettingsInForceSayWhereEachComesFromAndHideSecrets) {
  const std::string path = file("listen: :9090\n");
  const char* arguments[] = {"prog", "--config", path.c_str(), "--password", "hunter2"};
  Secretive settings;
  Loader loader({.program = "prog", .argc = 5, .argv = arguments, .environment = Variables{{"YUN_STORE", "redis://me:hunter2@db/0"}}});
  loader.bind(settings);
  ASSERT_TRUE(loader.load());
  std::string all;
  for (const Setting& each : loader.settings()) all += each.name + " = " + each.value + " (" + each.source + ")\n";
  EXPECT_EQ(all, "listen = :9090 (file " + path + ":1:9)\npassword = *** (flag --password)\nstore = redis://me:***@db/0 (environment YUN_STORE)\nwait = 5s (default)\n");
}

}  // namespace
}  // namespace yun::config
