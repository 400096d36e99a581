// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "actors/fingerprints.hpp"
#include "actors/messages.hpp"

namespace nodezero::actors {

/// The buffers in which versions of the weights lie. A published version is immutable for
/// as long as anybody holds it; the next one is written into a buffer that nobody holds:
/// the current one if it is free, else a spare. No lock exists because nothing that is
/// shared is ever written.
class VersionBuffers {
 public:
  explicit VersionBuffers(std::shared_ptr<model::Parameters> initial);

  /// The current version, for as long as the handle is held.
  ParametersPtr publish();

  /// The buffer for the next version. `is_in_place` is true if it is the current one, which
  /// may then be read and written element by element.
  struct Next {
    std::shared_ptr<model::Parameters> buffer;
    bool is_in_place = false;
  };
  Next begin_next();
  /// What begin_next gave out is complete and becomes the current version.
  void commit_next();

  const model::Parameters& current() const { return *slots_[current_].buffer; }
  /// True from begin_next to commit_next.
  bool is_written() const { return is_written_; }

 private:
  struct Slot {
    std::shared_ptr<model::Parameters> buffer;
    std::shared_ptr<std::atomic<int>> holders;  ///< handles given out and not yet released
    bool is_free() const { return holders->load(std::memory_order_acquire) == 0; }
  };

  std::vector<Slot> slots_;
  std::size_t current_ = 0;
  std::size_t next_ = 0;
  bool is_written_ = false;
};

}  // namespace nodezero::actors

/// The current version. While the next is written, which may be in place, it is in the requests to
/// the lanes. Who holds which buffer is not looked at.
template <>
struct nodezero::runtime::FingerprintOf<nodezero::actors::VersionBuffers> {
  static void add(ContentFingerprint& fingerprint, const actors::VersionBuffers& buffers) {
    if (!buffers.is_written()) {
      fingerprint.add(buffers.current());
    }
  }
};
