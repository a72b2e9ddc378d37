#pragma once
// A transport without a network: gives the same bytes as often as asked, one read at a time, and drops what is written.

#include <sys/eventfd.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "yun/runtime/net.hpp"

namespace guard {

class MemoryTransport : public yun::runtime::Transport {
 public:
  /// `request` is given `times` times, each by one read; then the peer has closed.
  MemoryTransport(std::string request, std::size_t times)
      : request_(std::move(request)), left_(times), fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), watch_(fd_.get()), address_(*yun::runtime::Address::parse("127.0.0.1:50000")) {}

  yun::runtime::Io try_read(std::span<char> into) override {
    if (left_ == 0) return {yun::runtime::Io::State::Closed, 0, 0};
    const std::size_t size = std::min(into.size(), request_.size() - at_);
    std::memcpy(into.data(), request_.data() + at_, size);
    at_ += size;
    if (at_ == request_.size()) {
      at_ = 0;
      --left_;
    }
    return {yun::runtime::Io::State::Done, 0, size};
  }
  yun::runtime::Io try_write(std::string_view bytes) override {
    written_ += bytes.size();
    return {yun::runtime::Io::State::Done, 0, bytes.size()};
  }
  void shutdown_write() override {}
  yun::runtime::Watch& watch() override { return watch_; }
  const yun::runtime::Address& peer() const override { return address_; }
  const yun::runtime::Address& local() const override { return address_; }
  std::size_t written() const { return written_; }

 private:
  std::string request_;
  std::size_t left_;
  std::size_t at_ = 0;
  std::size_t written_ = 0;
  yun::runtime::Fd fd_;
  yun::runtime::Watch watch_;
  yun::runtime::Address address_;
};

}  // namespace guard
