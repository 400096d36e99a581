// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/standard_input.hpp"

#include <cerrno>
#include <span>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "model/files/file_writer.hpp"
#include "model/files/sha256.hpp"

namespace nodezero::apps {

namespace {

/// Copies standard input into a file and returns its SHA-256.
std::string copy_standard_input(const std::filesystem::path& path) {
  auto writer = unwrap(model::FileWriter::create(path));
  model::Sha256 sum;
  std::vector<std::byte> buffer(std::size_t{1} << 20);
  bool is_empty = true;
  for (;;) {
    const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      throw CommandError(exit_bad_input,
                         "standard input cannot be read: check what is piped into the program");
    }
    if (count == 0) {
      break;
    }
    is_empty = false;
    const auto block = std::span<const std::byte>(buffer).first(static_cast<std::size_t>(count));
    sum.update(block);
    unwrap(writer.append(block));
  }
  if (is_empty) {
    throw CommandError(exit_bad_input, "standard input is empty: pipe the data into the program");
  }
  unwrap(writer.finish());
  return sum.finish();
}

}  // namespace

ScratchFolder::ScratchFolder() {
  std::error_code error;
  const auto parent = std::filesystem::temp_directory_path(error);
  auto name = (parent / "nodezero-XXXXXX").string();
  if (error || ::mkdtemp(name.data()) == nullptr) {
    throw CommandError(exit_bad_input,
                       "no temporary folder can be made: set TMPDIR to one that can be written to");
  }
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path keep_standard_input(const std::filesystem::path& folder) {
  const auto unfinished = folder / fmt::format(".data-{}.unfinished", ::getpid());
  std::error_code error;
  try {
    const auto kept = folder / ("data-" + copy_standard_input(unfinished));
    std::filesystem::rename(unfinished, kept);
    return kept;
  } catch (...) {
    std::filesystem::remove(unfinished, error);
    throw;
  }
}

}  // namespace nodezero::apps
