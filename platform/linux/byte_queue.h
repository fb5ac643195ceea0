// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>

namespace outrider {

/// Bounded first-in first-out queue of bytes; a ring that starts over whenever it is empty, so that a queue which is
/// mostly empty touches few pages of its memory.
class ByteQueue {
 public:
  explicit ByteQueue(std::size_t capacity)
      : capacity_(capacity), bytes_(std::make_unique_for_overwrite<char[]>(capacity)) {}

  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == capacity_; }
  std::size_t size() const { return size_; }

  /// Where the next bytes can be written without a gap; may be less than all the room there is.
  std::span<char> writable() {
    const std::size_t tail = (head_ + size_) % capacity_;
    const std::size_t end = tail < head_ || full() ? head_ : capacity_;
    return full() ? std::span<char>() : std::span<char>(bytes_.get() + tail, end - tail);
  }
  void wrote(std::size_t count) { size_ += count; }

  /// The oldest bytes that lie in one piece; may be less than all there are.
  std::span<const char> readable() const {
    return {bytes_.get() + head_, std::min(size_, capacity_ - head_)};
  }
  void consumed(std::size_t count) {
    size_ -= count;
    head_ = size_ == 0 ? 0 : (head_ + count) % capacity_;
  }
  void clear() { consumed(size_); }

 private:
  const std::size_t capacity_;
  std::unique_ptr<char[]> bytes_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace outrider
