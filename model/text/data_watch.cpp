// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/data_watch.hpp"

#include <fmt/format.h>

#include "model/files/sha256.hpp"

namespace nodezero::model {

Result<std::vector<std::string>> DataWatch::look() {
  std::vector<std::string> remarks;
  for (UsedFile& used : files_) {
    if (used.file != nullptr) {
      if (auto same = compare(used, remarks); !same) {
        return tl::unexpected(same.error());
      }
    }
    look_at_path(used, remarks);
  }
  return remarks;
}

Result<void> DataWatch::compare(UsedFile& used, std::vector<std::string>& remarks) {
  const auto now = used.file->stamp_now();
  if (!now) {
    return tl::unexpected(now.error());
  }
  if (*now == used.stamp) {
    return {};
  }
  const auto sum = sha256_of_bytes(*used.file, used.begin, used.end);
  if (!sum) {
    return tl::unexpected(sum.error());
  }
  if (*sum != used.sha256) {
    return fail(ErrorCode::malformed,
                fmt::format("{}: somebody has changed the content that this run reads, and nothing "
                            "is saved that was computed from both; put the old content back",
                            used.path.string()));
  }
  remarks.push_back(
      fmt::format("{}: has been written to, but what this run reads is unchanged; it goes on",
                  used.path.string()));
  used.stamp = *now;
  return {};
}

void DataWatch::look_at_path(const UsedFile& used, std::vector<std::string>& remarks) {
  const auto now = stamp_of(used.path);
  if ((now && *now == used.stamp) || !said_.insert(used.path).second) {
    return;
  }
  const char* where = used.file == nullptr ? "has it in memory" : "still reads the old file";
  remarks.push_back(
      fmt::format("{}: has been {}; this run goes on, since it {}, but resuming it "
                  "needs the old content there",
                  used.path.string(), now ? "replaced" : "removed", where));
}

}  // namespace nodezero::model
