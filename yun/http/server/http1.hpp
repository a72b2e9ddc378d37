#pragma once
// Http1: one HTTP/1 connection. Internal to the server.
//
// All requests in the read buffer are parsed and their answers appended to one output buffer, which is written once. Request, response,
// context and buffers are used again: a handler that answers at once costs no frame and, warm, no allocation. Only who is at work has them.

#include <optional>

#include "yun/http/codec1/chunked.hpp"
#include "yun/http/codec1/request_parser.hpp"
#include "yun/http/codec1/writer.hpp"
#include "yun/http/server/exchange.hpp"
#include "yun/http/server/link.hpp"

namespace yun::http::server {

class Http1 final : public Protocol {
 public:
  explicit Http1(Link& link);
  ~Http1() override;
  Task<void> run();

  void drain() override;
  void sweep(TimePoint) override {}

 private:
  class RequestBody;
  class ResponseBody;
  using HeadFraming = codec1::HeadFraming;
  enum class Verdict : std::uint8_t { Sent, Waits, Close };
  static constexpr std::size_t kReadHead = 8 << 10;  ///< what a read makes room for while a head is awaited
  static constexpr std::size_t kFlushAt = 64 << 10;  ///< answers of pipelined requests are held back up to this

  // the turn of a connection (http1.cpp)
  void begin_work();
  void rest();
  Verdict begin_exchange();
  bool answer_whole();
  Task<bool> answer();
  void finish(const Error* error, TimePoint sent);

  // pieces of an answer (http1_answer.cpp)
  bool decide_keep_alive();
  bool has_answer_body() const;
  void write_head(HeadFraming framing);
  Task<Result<void>> answer_body();
  Task<Result<void>> send_stream(bool chunked, std::optional<std::uint64_t> length);
  Task<Result<void>> send_file(runtime::Fd const& file, std::uint64_t offset, std::uint64_t size);
  void refuse(const codec1::ParseError& error);
  void crashed(std::exception_ptr exception);

  // the request body (http1_body.cpp), as RequestBody gives it
  std::unique_ptr<BodySource> open_source();
  void forget_source();
  Task<bool> read_small_body();
  Task<Result<std::optional<std::string_view>>> next_piece(Context& ctx);
  Result<std::optional<std::string_view>> take_piece();
  Task<bool> drop_unread_body();
  bool unread() const { return body_state_ == BodyState::Reading; }

  Link& link_;
  codec1::RequestParser parser_;
  codec1::Framing framing_;
  std::unique_ptr<Exchange> exchange_;  ///< null while a request is awaited
  Task<void> pending_;  ///< the handler, not finished at once
  Outcome outcome_;
  TimePoint started_;
  std::uint64_t requests_ = 0;
  bool keep_ = true;
  bool head_sent_ = false;
  bool must_drop_ = false;  ///< the connection can be kept once the rest of the body was dropped

  enum class BodyState : std::uint8_t { None, Reading, Done, Broken };
  BodyState body_state_ = BodyState::None;
  codec1::ChunkedDecoder chunks_;
  std::uint64_t body_left_ = 0;  ///< with a Content-Length
  std::size_t piece_size_ = 0;   ///< of link_.in: given out, to be consumed at the next call
  std::uint64_t body_limit_ = 0;
  bool continue_wanted_ = false;
  RequestBody* source_ = nullptr;
};

}  // namespace yun::http::server
