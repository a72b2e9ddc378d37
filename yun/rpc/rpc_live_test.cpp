// Google's python client against examples/grpc_greeter; see testing/live_client.py for what it asks.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

namespace {

constexpr const char* kGreeter = YUN_BINARY_DIR "/bin/examples/grpc_greeter";

/// Starts a program with its stdout in a pipe.
struct Program {
  pid_t pid = -1;
  FILE* out = nullptr;

  explicit Program(const char* path, const char* argument, const char* value) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe(ends.data()), 0);
    pid = fork();
    if (pid == 0) {
      dup2(ends[1], 1);
      close(ends[0]);
      execl(path, path, argument, value, "--admin", "127.0.0.1:0", static_cast<char*>(nullptr));
      _exit(127);
    }
    close(ends[1]);
    out = fdopen(ends[0], "r");
  }
  /// The next line that holds `word`; "" at the end.
  std::string line_with(const std::string& word) {
    std::array<char, 4096> line{};
    while (fgets(line.data(), static_cast<int>(line.size()), out)) {
      if (std::string(line.data()).find(word) != std::string::npos) return line.data();
    }
    return "";
  }
  int stop() {
    kill(pid, SIGTERM);
    int status = 0;
    waitpid(pid, &status, 0);
    pid = -1;
    return status;
  }
  ~Program() {
    if (pid > 0) {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
    if (out) fclose(out);
  }
};

std::string between(const std::string& text, const std::string& before, const std::string& after) {
  const std::size_t from = text.find(before);
  if (from == std::string::npos) return "";
  const std::size_t begin = from + before.size();
  return text.substr(begin, text.find(after, begin) - begin);
}

TEST(RpcLive, GooglesClientIsServed) {
  if (access(kGreeter, X_OK) != 0) GTEST_SKIP() << kGreeter << " is not built";
  if (std::system("/usr/bin/python3 -c 'import grpc, google.protobuf' 2>/dev/null") != 0) GTEST_SKIP() << "python3-grpcio is not installed";
  Program greeter(kGreeter, "--listen", "127.0.0.1:0");
  const std::string address = between(greeter.line_with("listening"), "\"service_address\":\"", "\"");
  ASSERT_FALSE(address.empty());
  const std::string command =
      "/usr/bin/python3 " YUN_SOURCE_DIR "/yun/rpc/testing/live_client.py " + address + " " YUN_SOURCE_DIR "/proto";
  EXPECT_EQ(std::system(command.c_str()), 0);
  // The deadline, the cancelled call and the cancelled stream were all seen by the handler.
  for (int i = 0; i < 3; ++i) EXPECT_NE(greeter.line_with("slow call ended"), "");
  EXPECT_EQ(greeter.stop(), 0);
}

TEST(RpcLive, ExampleCallsItself) {
  if (access(kGreeter, X_OK) != 0) GTEST_SKIP() << kGreeter << " is not built";
  Program greeter(kGreeter, "--listen", "127.0.0.1:0");
  const std::string address = between(greeter.line_with("listening"), "\"service_address\":\"", "\"");
  ASSERT_FALSE(address.empty());
  EXPECT_EQ(std::system((std::string(kGreeter) + " --call " + address + " --name ann").c_str()), 0);
  EXPECT_EQ(greeter.stop(), 0);
}

}  // namespace
