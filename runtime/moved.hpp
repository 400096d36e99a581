// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <stdexcept>
#include <utility>

namespace nodezero::runtime {

/// Ownership that travels in a message. CAF hands messages to handlers by const reference
/// and copies them when they are shared, so a plain unique_ptr cannot travel. Copies of a
/// Moved share one cell; the first `take` empties it and a second one is a protocol error,
/// so no buffer is ever visible to two actors at once.
template <class T>
class Moved {
 public:
  Moved() = default;
  explicit Moved(T value) : cell_(std::make_shared<Cell>(Cell{std::move(value), true})) {}

  /// @throws std::logic_error if there is nothing, or somebody took it before.
  T take() const {
    if (!cell_ || !cell_->full) {
      throw std::logic_error("a message's content was taken twice");
    }
    cell_->full = false;
    return std::move(cell_->value);
  }

  bool full() const { return cell_ && cell_->full; }
  /// What would be taken, for those who only look; null if there is nothing.
  const T* peek() const { return full() ? &cell_->value : nullptr; }

 private:
  struct Cell {
    T value;
    bool full;
  };
  std::shared_ptr<Cell> cell_;
};

}  // namespace nodezero::runtime
