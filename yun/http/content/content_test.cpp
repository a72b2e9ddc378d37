#include <brotli/decode.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "yun/http/content/compression.hpp"
#include "yun/http/content/conditional.hpp"
#include "yun/http/content/encoding.hpp"
#include "yun/http/content/event_stream.hpp"
#include "yun/http/content/files.hpp"
#include "yun/http/content/media_type.hpp"
#include "yun/http/middleware/pipeline.hpp"
#include "yun/http/router/router.hpp"
#include "yun/runtime/threads.hpp"

namespace yun::http {
namespace {

namespace fs = std::filesystem;

std::string decode(Coding coding, std::string_view bytes) {
  std::string out(1 << 20, '\0');
  if (coding == Coding::Gzip) {
    z_stream stream{};
    EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    inflateEnd(&stream);
  } else if (coding == Coding::Brotli) {
    std::size_t size = out.size();
    EXPECT_EQ(BrotliDecoderDecompress(bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()), &size, reinterpret_cast<std::uint8_t*>(out.data())),
              BROTLI_DECODER_RESULT_SUCCESS);
    out.resize(size);
  } else {
    ZSTD_DCtx* context = ZSTD_createDCtx();
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    ZSTD_outBuffer into{out.data(), out.size(), 0};
    EXPECT_EQ(ZSTD_decompressStream(context, &into, &in), 0u);
    ZSTD_freeDCtx(context);
    out.resize(into.pos);
  }
  return out;
}

TEST(ContentCoding, TheHighestWeightWinsAndThenOurOrder) {
  EXPECT_EQ(choose_coding("gzip, deflate, br, zstd"), Coding::Zstd);
  EXPECT_EQ(choose_coding("gzip;q=1.0, br;q=0.8"), Coding::Gzip);
  EXPECT_EQ(choose_coding("br;q=0, gzip;q=0.1"), Coding::Gzip);
  EXPECT_EQ(choose_coding(""), Coding::Identity);
  EXPECT_EQ(choose_coding("deflate"), Coding::Identity);
  EXPECT_EQ(choose_coding("*"), Coding::Zstd);
  EXPECT_EQ(choose_coding("*;q=0"), Coding::Identity);
  EXPECT_EQ(choose_coding("identity, gzip;q=0.5"), Coding::Identity);
  EXPECT_EQ(choose_coding("GZIP"), Coding::Gzip);
}

TEST(ContentCoding, EachEncoderCanBeDecoded) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "line " + std::to_string(i) + "\n";
  for (const Coding coding : {Coding::Gzip, Coding::Brotli, Coding::Zstd}) {
    std::string coded;
    auto encoder = Encoder::make(coding);
    ASSERT_TRUE(encoder->encode(std::string_view(text).substr(0, 100), Encoder::After::Flush, coded));
    EXPECT_FALSE(coded.empty());
    ASSERT_TRUE(encoder->encode(std::string_view(text).substr(100), Encoder::After::Finish, coded));
    EXPECT_LT(coded.size(), text.size() / 2);
    EXPECT_EQ(decode(coding, coded), text);
  }
}

struct Answer {
  Context ctx;
  Request request;
  Response response;
  Answer& run(Handler& handler) {
    Task<void> task = handler.handle(ctx, request, response);
    if (task) runtime::block_on(std::move(task));
    handler.finished(ctx, request, response, {});
    return *this;
  }
  std::optional<std::string_view> header(std::string_view name) const { return response.headers.get(name); }
};

struct Gathered final : BodyWriter {
  std::string bytes;
  int writes = 0;
  Task<Result<void>> write(Context&, std::string_view piece) override {
    bytes += piece;
    ++writes;
    co_return Result<void>();
  }
  void set_trailer(std::string_view, std::string_view) override {}
};

TEST(Compression, IsForLargeTextOfClientsThatTakeIt) {
  Router router;
  router.use(compression());
  router.get("/large", [] { return std::string(5000, 'a'); });
  router.get("/small", [] { return std::string(1000, 'a'); });
  router.get("/image", [] {
    Response response = Response::text(200, std::string(5000, 'a'));
    response.headers.set("content-type", "image/png");
    return response;
  });
  auto ask = [&](std::string path, std::string_view accepted) {
    Answer answer;
    answer.request.path = std::move(path);
    if (!accepted.empty()) answer.request.headers.add("accept-encoding", accepted);
    answer.run(router);
    return std::move(answer.response);
  };
  const Response coded = ask("/large", "br");
  EXPECT_EQ(coded.headers.get("content-encoding"), "br");
  EXPECT_EQ(coded.headers.get("vary"), "accept-encoding");
  EXPECT_EQ(decode(Coding::Brotli, coded.body.bytes()), std::string(5000, 'a'));
  const Response plain = ask("/large", "");
  EXPECT_FALSE(plain.headers.has("content-encoding"));
  EXPECT_EQ(plain.headers.get("vary"), "accept-encoding");
  EXPECT_FALSE(ask("/small", "br").headers.has("vary"));
  EXPECT_FALSE(ask("/image", "br").headers.has("content-encoding"));
}

TEST(Compression, AStreamIsFlushedWithEachWrite) {
  Router router;
  router.use(compression());
  router.get("/", [] {
    Response response;
    response.headers.set("content-type", "text/plain");
    response.stream = make_producer([](Context& ctx, BodyWriter& out) -> Task<Result<void>> {
      YUN_CHECK(co_await out.write(ctx, "first "));
      co_return co_await out.write(ctx, "second");
    });
    return response;
  });
  Answer answer;
  answer.request.path = "/";
  answer.request.headers.add("accept-encoding", "gzip");
  answer.run(router);
  ASSERT_TRUE(answer.response.stream);
  Gathered out;
  EXPECT_TRUE(runtime::block_on(answer.response.stream->produce(answer.ctx, out)).ok());
  EXPECT_EQ(out.writes, 3);
  EXPECT_EQ(decode(Coding::Gzip, out.bytes), "first second");
}

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "yun_files_XXXXXX").string();
    top_ = mkdtemp(pattern.data());
    root_ = top_ / "public";
    fs::create_directories(root_ / "docs");
    put(root_ / "a.txt", "0123456789");
    put(root_ / "index.html", "<p>root");
    put(root_ / "docs" / "index.html", "<p>docs");
    put(root_ / ".secret", "hidden");
    put(top_ / "outside.txt", "outside");
    fs::create_symlink(top_ / "outside.txt", root_ / "link.txt");
    fs::create_symlink("../outside.txt", root_ / "relative.txt");
    fs::create_symlink("a.txt", root_ / "inside.txt");
    auto files = StaticFiles::open(root_.string());
    ASSERT_TRUE(files.ok());
    router_.mount("/static/{path...}", *files);
  }
  void TearDown() override { fs::remove_all(top_); }
  static void put(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }

  Response ask(std::string path, std::initializer_list<std::pair<std::string_view, std::string_view>> headers = {}, Method method = Method::Get) {
    Answer answer;
    answer.request.path = std::move(path);
    answer.request.method = method;
    for (const auto& [name, value] : headers) answer.request.headers.add(name, value);
    answer.run(router_);
    return std::move(answer.response);
  }
  static std::string bytes(const Response& response) {
    if (!response.file) return std::string(response.body.bytes());
    std::string out(response.file->size, '\0');
    EXPECT_EQ(pread(response.file->file->get(), out.data(), out.size(), static_cast<off_t>(response.file->offset)), static_cast<ssize_t>(out.size()));
    return out;
  }

  fs::path top_, root_;
  Router router_;
};

TEST_F(Files, AreSentWithTypeAndValidators) {
  const Response whole = ask("/static/a.txt");
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(bytes(whole), "0123456789");
  EXPECT_EQ(whole.headers.get("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(whole.headers.get("accept-ranges"), "bytes");
  const std::string etag(*whole.headers.get("etag")), time(*whole.headers.get("last-modified"));
  EXPECT_EQ(ask("/static/a.txt", {{"if-none-match", "\"x\", " + etag}}).status, 304);
  EXPECT_EQ(ask("/static/a.txt", {{"if-none-match", "\"x\""}, {"if-modified-since", time}}).status, 200);
  EXPECT_EQ(ask("/static/a.txt", {{"if-modified-since", time}}).status, 304);
  EXPECT_EQ(ask("/static/a.txt", {{"if-match", "\"x\""}}).status, 412);
  EXPECT_EQ(ask("/static/a.txt", {}, Method::Post).status, 405);
  EXPECT_EQ(ask("/static/a.txt", {}, Method::Head).status, 200);
}

/// Files with the options of a test at /other.
struct CachedFiles : Files {
  void mount(StaticFilesOptions options) {
    auto files = StaticFiles::open(root_.string(), std::move(options));
    ASSERT_TRUE(files.ok());
    router_.mount("/other/{path...}", *files);
  }
  /// As the server sends it: from memory if it is there.
  static std::string sent(const Response& response) {
    if (!response.file || !response.file->bytes) return bytes(response);
    return response.file->bytes->substr(response.file->offset, response.file->size);
  }
  /// Past the time in which a change of a file could not be told.
  static void settle() {
    const auto end = Clock::now() + std::chrono::milliseconds(60);
    while (Clock::now() < end) std::this_thread::yield();
  }
};

TEST_F(CachedFiles, AreServedAnewOnceReplaced) {
  mount({.fresh = Duration::zero()});
  settle();
  EXPECT_EQ(sent(ask("/other/a.txt")), "0123456789");
  EXPECT_TRUE(ask("/other/a.txt").file->bytes);
  put(root_ / "new", "replaced!!");  // of the same size
  fs::rename(root_ / "new", root_ / "a.txt");
  EXPECT_EQ(sent(ask("/other/a.txt")), "replaced!!");
  fs::remove(root_ / "a.txt");
  EXPECT_EQ(ask("/other/a.txt").status, 404);
}

TEST_F(CachedFiles, AreNotOpenedAgainWhileTheyAreFresh) {
  mount({.fresh = std::chrono::hours(1)});
  settle();
  const Response first = ask("/other/a.txt");
  fs::remove(root_ / "a.txt");
  const Response second = ask("/other/a.txt", {{"range", "bytes=2-4"}});
  EXPECT_EQ(second.status, 206);
  EXPECT_EQ(sent(second), "234");
  EXPECT_EQ(second.file->file, first.file->file);
}

TEST_F(CachedFiles, AreNotKeptInMemoryWhenTheyHaveJustChanged) {
  mount({.fresh = std::chrono::hours(1)});
  put(root_ / "hot.txt", "one");
  fs::last_write_time(root_ / "hot.txt", fs::file_time_type::clock::now() + std::chrono::hours(1));  // however long this test takes
  const Response first = ask("/other/hot.txt");
  ASSERT_FALSE(first.file->bytes);
  EXPECT_EQ(bytes(first), "one");
  put(root_ / "hot.txt", "two");  // perhaps within the same tick of the file system's clock
  EXPECT_EQ(sent(ask("/other/hot.txt")), "two");
}

TEST_F(CachedFiles, ThatAreLargeAreSeenToChangeAtOnce) {
  mount({.fresh = std::chrono::hours(1)});
  put(root_ / "large.txt", std::string(100'000, 'a'));
  EXPECT_EQ(ask("/other/large.txt").file->size, 100'000u);
  fs::resize_file(root_ / "large.txt", 50'000);
  const Response shorter = ask("/other/large.txt");
  EXPECT_EQ(shorter.file->size, 50'000u);
  EXPECT_FALSE(shorter.file->bytes);
}

TEST_F(CachedFiles, AreNoMoreThanTheyMayBe) {
  const auto open_files = [] { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); };
  mount({.cached_files = 2});
  EXPECT_EQ(ask("/other/a.txt").status, 200);
  const auto before = open_files();
  for (int i = 0; i < 10; ++i) {
    put(root_ / ("f" + std::to_string(i)), "x");
    EXPECT_EQ(ask("/other/f" + std::to_string(i)).status, 200);
  }
  EXPECT_EQ(open_files(), before + 1);
}

TEST_F(Files, OneRangeIsAPartSeveralAreTheWhole) {
  const Response part = ask("/static/a.txt", {{"range", "bytes=2-4"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.headers.get("content-range"), "bytes 2-4/10");
  EXPECT_EQ(bytes(part), "234");
  EXPECT_EQ(bytes(ask("/static/a.txt", {{"range", "bytes=-3"}})), "789");
  EXPECT_EQ(bytes(ask("/static/a.txt", {{"range", "bytes=7-"}})), "789");
  EXPECT_EQ(bytes(ask("/static/a.txt", {{"range", "bytes=7-99"}})), "789");
  const Response beyond = ask("/static/a.txt", {{"range", "bytes=10-"}});
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(beyond.headers.get("content-range"), "bytes */10");
  EXPECT_EQ(ask("/static/a.txt", {{"range", "bytes=0-1,3-4"}}).status, 200);
  EXPECT_EQ(ask("/static/a.txt", {{"range", "bytes=4-2"}}).status, 200);
  EXPECT_EQ(ask("/static/a.txt", {{"range", "lines=1-2"}}).status, 200);
  EXPECT_EQ(ask("/static/a.txt", {{"range", "bytes=0-1"}, {"if-range", "\"other\""}}).status, 200);
  const std::string etag(*ask("/static/a.txt").headers.get("etag"));
  EXPECT_EQ(ask("/static/a.txt", {{"range", "bytes=0-1"}, {"if-range", etag}}).status, 206);
}

TEST_F(Files, FoldersAreTheirIndex) {
  EXPECT_EQ(bytes(ask("/static/")), "<p>root");
  EXPECT_EQ(bytes(ask("/static/docs/")), "<p>docs");
  const Response moved = ask("/static/docs");
  EXPECT_EQ(moved.status, 308);
  EXPECT_EQ(moved.headers.get("location"), "/static/docs/");
}

TEST_F(Files, NothingOutsideCanBeReached) {
  for (const char* path : {"../outside.txt", "docs/../../outside.txt", "/etc/passwd", "%2e%2e%2foutside.txt", "..%2foutside.txt", "link.txt", "relative.txt", ".secret",
                           "docs/..", "a.txt/", "nothing", "a.txt%00.html", "docs//index.html", "..\\outside.txt"}) {
    EXPECT_EQ(ask("/static/" + std::string(path)).status, 404) << path;
  }
  EXPECT_EQ(bytes(ask("/static/inside.txt")), "0123456789");
}

TEST(HttpDate, AllThreeFormsAreRead) {
  const auto expected = std::chrono::sys_seconds(std::chrono::seconds(784111777));
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), expected);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), expected);
  EXPECT_FALSE(parse_http_date("Sun, 31 Feb 1994 08:49:37 GMT"));
  EXPECT_FALSE(parse_http_date("1994-11-06"));
}

TEST(MediaType, IsKnownByExtension) {
  EXPECT_EQ(media_type("a/b.HTML"), "text/html; charset=utf-8");
  EXPECT_EQ(media_type("noextension"), "application/octet-stream");
  EXPECT_FALSE(is_compressible("text/event-stream"));
  EXPECT_TRUE(is_compressible("application/problem+json; charset=utf-8"));
}

TEST(EventStream, WritesEventsAsTheStandardHasThem) {
  std::string text;
  append_event(text, {.data = "two\nlines\r\nthree", .name = "tick\nevil", .id = "7", .retry = std::chrono::milliseconds(250)});
  EXPECT_EQ(text, "event: tickevil\nid: 7\nretry: 250\ndata: two\ndata: lines\ndata: three\n\n");
}

TEST(EventStream, CommentsWhileAllIsQuiet) {
  runtime::Event enough;
  Gathered out;
  struct Until {
    static Task<Result<void>> run(Context& ctx, EventStream& events, Gathered& seen) {
      YUN_CHECK(co_await events.send(ctx, "hello"));
      while (seen.bytes.find(": \n\n: \n\n") == std::string::npos) {
        YUN_CHECK(co_await runtime::sleep_for(ctx, std::chrono::milliseconds(1)));
      }
      co_return Result<void>();
    }
  };
  Response response = event_stream([&](Context& ctx, EventStream& events) { return Until::run(ctx, events, out); }, {.keep_alive = std::chrono::milliseconds(2)});
  EXPECT_EQ(response.headers.get("content-type"), "text/event-stream");
  Context ctx;
  EXPECT_TRUE(runtime::block_on(response.stream->produce(ctx, out)).ok());
  EXPECT_TRUE(out.bytes.starts_with("data: hello\n\n"));
}

}  // namespace
}  // namespace yun::http
