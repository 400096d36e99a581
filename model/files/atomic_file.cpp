// SPDX-License-Identifier: BSD-3-Clause
#include "model/files/atomic_file.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <span>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "model/files/file_descriptor.hpp"
#include "model/files/file_writer.hpp"
#include "model/files/input_file.hpp"
#include "model/files/system_error.hpp"

namespace nodezero::model {
namespace {

constexpr std::string_view unfinished_suffix = ".unfinished";

std::filesystem::path folder_of(const std::filesystem::path& path) {
  const auto parent = path.parent_path();
  return parent.empty() ? std::filesystem::path(".") : parent;
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path) {
  const auto file = InputFile::open(path);
  if (!file) {
    return tl::unexpected(file.error());
  }
  std::string content;
  std::array<char, 1 << 16> buffer{};
  for (;;) {
    const auto count = file->read_some(content.size(), std::as_writable_bytes(std::span(buffer)));
    if (!count) {
      return tl::unexpected(count.error());
    }
    if (*count == 0) {
      return content;
    }
    content.append(buffer.data(), *count);
  }
}

Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  return replace_file_atomically(path, [&](const std::filesystem::path& temporary) {
    return FileWriter::create(temporary).and_then([&](FileWriter&& writer) -> Result<void> {
      if (auto appended = writer.append(content); !appended) {
        return appended;
      }
      return writer.finish();
    });
  });
}

Result<void> replace_file_atomically(
    const std::filesystem::path& path,
    const std::function<Result<void>(const std::filesystem::path& temporary)>& write) {
  // The process number keeps two programs that save to one place from sharing a temporary.
  const auto temporary = folder_of(path) / fmt::format(".{}.{}{}", path.filename().string(),
                                                       ::getpid(), unfinished_suffix);
  auto done = write(temporary);
  if (done) {
    done = sync_path(temporary);
  }
  if (done && ::rename(temporary.c_str(), path.c_str()) != 0) {
    done = tl::unexpected(write_error(path, errno));
  }
  if (!done) {
    ::unlink(temporary.c_str());
    // People know the file by its own name; the temporary one says nothing to them.
    std::string& message = done.error().message;
    if (const auto at = message.find(temporary.string()); at != std::string::npos) {
      message.replace(at, temporary.string().size(), path.string());
    }
    return done;
  }
  return sync_path(folder_of(path));
}

void remove_unfinished_files(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> leftovers;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto name = entry->path().filename().string();
    if (name.starts_with('.') && name.ends_with(unfinished_suffix)) {
      leftovers.push_back(entry->path());
    }
  }
  for (const auto& path : leftovers) {
    std::filesystem::remove(path, error);
  }
}

Result<void> create_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) {
    return {};
  }
  const auto parent = folder_of(folder);
  if (parent != folder) {
    if (auto created = create_folder(parent); !created) {
      return created;
    }
  }
  if (::mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST) {
    return tl::unexpected(write_error(folder, errno));
  }
  if (!std::filesystem::is_directory(folder, error)) {
    return tl::unexpected(write_error(folder, ENOTDIR));
  }
  return sync_path(parent);
}

Result<void> sync_path(const std::filesystem::path& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) {
    return tl::unexpected(write_error(path, errno));
  }
  int synced = 0;
  do {
    synced = ::fsync(file.number());
  } while (synced != 0 && errno == EINTR);
  // Some file systems cannot sync a folder and say so with EINVAL.
  if (synced != 0 && errno != EINVAL) {
    return tl::unexpected(write_error(path, errno));
  }
  return {};
}

}  // namespace nodezero::model
