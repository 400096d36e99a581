// SPDX-License-Identifier: BSD-3-Clause

// What `--data` names, as a list of files: the same list for the same files, whatever the
// order in which the paths were named or the file system lists its folders.
#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <set>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "model/files/system_error.hpp"
#include "model/text/corpus.hpp"

namespace nodezero::model {
namespace {

using Identity = std::pair<dev_t, ino_t>;

struct FoundFile {
  std::string path;
  Identity identity;
};

using LeavesOut = std::function<bool(const std::filesystem::path&)>;

struct Walk {
  const LeavesOut& leaves_out;
  std::vector<FoundFile> files;
  std::vector<std::filesystem::path> left_out;
  std::set<Identity> folders;  ///< already read; ends loops of links
};

/// Hidden names, and the lock files that other programs leave beside data.
bool is_passed_over(std::string_view name) {
  return name.starts_with('.') || name.ends_with(".lock");
}

Result<std::string> canonical(const std::string& path) {
  char* resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) {
    return tl::unexpected(read_error(path, errno));
  }
  std::string result(resolved);
  std::free(resolved);
  return result;
}

Result<void> add_file(const std::string& path, const struct stat& status, Walk& walk) {
  if (::access(path.c_str(), R_OK) != 0) {
    return tl::unexpected(read_error(path, errno));
  }
  walk.files.push_back({path, {status.st_dev, status.st_ino}});
  return {};
}

/// The names in a folder but for those that are passed over, in any order.
Result<std::vector<std::pair<std::string, bool>>> names_and_links(const std::string& folder) {
  DIR* stream = ::opendir(folder.c_str());
  if (stream == nullptr) {
    return tl::unexpected(read_error(folder, errno));
  }
  std::vector<std::pair<std::string, bool>> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream)) {
    if (!is_passed_over(entry->d_name)) {
      names.emplace_back(entry->d_name, entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN);
    }
    errno = 0;
  }
  const int error_number = errno;
  ::closedir(stream);
  if (error_number != 0) {
    return tl::unexpected(read_error(folder, error_number));
  }
  return names;
}

/// `first` is the canonical path of a folder. Folders wait in a list, not on the stack, so
/// that depth is not limited.
Result<void> add_folder(const std::string& first, Walk& walk) {
  std::vector<std::string> waiting{first};
  while (!waiting.empty()) {
    const std::string folder = std::move(waiting.back());
    waiting.pop_back();
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) {
      return tl::unexpected(read_error(folder, errno));
    }
    if (!walk.folders.insert({status.st_dev, status.st_ino}).second) {
      continue;
    }
    if (walk.leaves_out && walk.leaves_out(folder)) {
      walk.left_out.emplace_back(folder);
      continue;
    }
    const auto names = names_and_links(folder);
    if (!names) {
      return tl::unexpected(names.error());
    }
    for (const auto& [name, may_be_link] : *names) {
      std::string path = (folder == "/" ? "" : folder) + "/" + name;
      if (::stat(path.c_str(), &status) != 0) {
        if (may_be_link && errno == ENOENT) {
          return fail(ErrorCode::not_found,
                      fmt::format("{}: a link to a file that does not exist; remove the link or "
                                  "restore the file",
                                  path));
        }
        return tl::unexpected(read_error(path, errno));
      }
      // A folder's path is canonical, so only a link's target has to be looked up.
      if (may_be_link) {
        auto target = canonical(path);
        if (!target) {
          return tl::unexpected(target.error());
        }
        path = std::move(*target);
      }
      if (S_ISDIR(status.st_mode)) {
        waiting.push_back(std::move(path));
      } else if (S_ISREG(status.st_mode) && status.st_size > 0) {
        if (auto added = add_file(path, status, walk); !added) {
          return added;
        }
      }
    }
  }
  return {};
}

Result<void> add_named(const std::filesystem::path& named, Walk& walk) {
  const auto path = canonical(named.string());
  if (!path) {
    return tl::unexpected(path.error());
  }
  struct stat status {};
  if (::stat(path->c_str(), &status) != 0) {
    return tl::unexpected(read_error(named, errno));
  }
  if (S_ISREG(status.st_mode)) {
    if (status.st_size == 0) {
      return fail(ErrorCode::malformed,
                  fmt::format("{}: empty; name a file with text in it", named.string()));
    }
    return add_file(*path, status, walk);
  }
  if (!S_ISDIR(status.st_mode)) {
    return fail(
        ErrorCode::io,
        fmt::format("{}: neither a file nor a folder; save its content to a file", named.string()));
  }
  const std::size_t before = walk.files.size();
  const bool is_new = !walk.folders.contains({status.st_dev, status.st_ino});
  if (auto added = add_folder(*path, walk); !added) {
    return added;
  }
  if (is_new && walk.files.size() == before) {
    if (!walk.left_out.empty()) {
      return fail(
          ErrorCode::not_found,
          fmt::format("{}: no files to read but those of a run ({}); give the texts a folder "
                      "of their own",
                      named.string(), walk.left_out.back().string()));
    }
    return fail(
        ErrorCode::not_found,
        fmt::format("{}: no files to read (hidden, empty and .lock files do not count); name "
                    "a folder with text",
                    named.string()));
  }
  return {};
}

}  // namespace

Result<FileList> list_files(std::span<const std::filesystem::path> paths,
                            const LeavesOut& leaves_out) {
  if (paths.empty()) {
    return fail(ErrorCode::invalid_argument, "no data to read; name files or folders");
  }
  Walk walk{.leaves_out = leaves_out, .files = {}, .left_out = {}, .folders = {}};
  for (const auto& path : paths) {
    if (auto added = add_named(path, walk); !added) {
      return tl::unexpected(added.error());
    }
  }
  // Of several names of one file the first in path order counts.
  std::ranges::sort(walk.files, {}, &FoundFile::path);
  std::set<Identity> seen;
  FileList list{.files = {}, .left_out = std::move(walk.left_out)};
  for (auto& file : walk.files) {
    if (seen.insert(file.identity).second) {
      list.files.emplace_back(std::move(file.path));
    }
  }
  std::ranges::sort(list.left_out);
  return list;
}

}  // namespace nodezero::model
