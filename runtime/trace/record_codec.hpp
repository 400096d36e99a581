// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "nodezero/error.hpp"
#include "runtime/trace/record.hpp"

namespace nodezero::runtime::trace {

/// Records of one thread as bytes that compress well: a column for each member, in each the
/// difference from what the records before let expect, as variable-length integers, and zstd
/// over all. `decode_records(encode_records(x), x.size())` is x.
std::vector<std::byte> encode_records(std::span<const Record> records);

/// @return an error if the bytes are not those of `count` records.
Result<std::vector<Record>> decode_records(std::span<const std::byte> bytes, std::size_t count);

}  // namespace nodezero::runtime::trace
