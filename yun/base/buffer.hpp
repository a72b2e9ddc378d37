#pragma once
// Buffer: bytes that come in at the back and leave at the front. Grows by doubling, gives memory back when it is emptied large.
//
//     auto room = buffer.prepare(16_KiB);  n = read(fd, room.data(), room.size());  buffer.commit(n);
//     parse(buffer.view());  buffer.consume(used);
//
// Under AddressSanitizer what is not held (consumed, or behind the end and not prepared) is poisoned: a view kept too long is a fault there.

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "yun/base/sanitizers.hpp"

namespace yun {

class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }

  std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }
  char* data() { return data_.get() + begin_; }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  std::size_t capacity() const { return capacity_; }

  /// At least `size` writable bytes behind what is held; valid until the next call of a non-const member.
  std::span<char> prepare(std::size_t size) {
    if (capacity_ - end_ < size) make_room(size);
    unpoison(data_.get() + end_, capacity_ - end_);
    return {data_.get() + end_, capacity_ - end_};
  }
  /// `size` of the prepared bytes were written.
  void commit(std::size_t size) {
    end_ += size;
    poison(data_.get() + end_, capacity_ - end_);
  }
  /// Drops `size` bytes at the front.
  void consume(std::size_t size) {
    poison(data_.get() + begin_, size);
    begin_ += size;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  /// Drops `size` bytes at the back.
  void drop_back(std::size_t size) {
    end_ -= size;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(prepare(bytes.size()).data(), bytes.data(), bytes.size());
    commit(bytes.size());
  }
  void append(char byte) { append(std::string_view(&byte, 1)); }
  void clear() {
    poison(data_.get(), capacity_);
    begin_ = end_ = 0;
  }
  /// Frees the memory if it is empty and holds more than `keep` bytes (an idle connection should cost little).
  void shrink(std::size_t keep) {
    if (!empty() || capacity_ <= keep) return;
    data_.reset();
    capacity_ = begin_ = end_ = 0;
  }
  void swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
  }

 private:
  void make_room(std::size_t size) {
    const std::size_t held = end_ - begin_;
    if (capacity_ >= held + size && begin_ >= held) {
      unpoison(data_.get(), capacity_);
      std::memcpy(data_.get(), data_.get() + begin_, held);
      poison(data_.get() + held, capacity_ - held);
    } else {
      std::size_t wanted = capacity_ ? capacity_ * 2 : 512;
      while (wanted < held + size) wanted *= 2;
      std::unique_ptr<char[]> larger(new char[wanted]);
      if (held) std::memcpy(larger.get(), data_.get() + begin_, held);
      data_ = std::move(larger);
      capacity_ = wanted;
    }
    begin_ = 0;
    end_ = held;
  }

  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace yun
