// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/trace/name_table.hpp"

#include <algorithm>
#include <cstring>

#include "formats/printable_text.hpp"

namespace nodezero::runtime::trace {
namespace {

constexpr std::size_t longest_text = 2'000;
constexpr std::size_t longest_field_name = 100;
constexpr std::size_t most_fields = 100;
constexpr std::uint32_t most_names = 0xffff;

void put_bytes(std::vector<std::byte>& out, const void* data, std::size_t size) {
  const auto* const bytes = static_cast<const std::byte*>(data);
  out.insert(out.end(), bytes, bytes + size);
}

void put_text(std::vector<std::byte>& out, std::string_view text, std::size_t longest) {
  const auto size = static_cast<std::uint16_t>(std::min(text.size(), longest));
  put_bytes(out, &size, sizeof size);
  put_bytes(out, text.data(), size);
}

template <class T>
bool take(std::span<const std::byte>& in, T& value) {
  if (in.size() < sizeof value) {
    return false;
  }
  std::memcpy(&value, in.data(), sizeof value);
  in = in.subspan(sizeof value);
  return true;
}

bool take_text(std::span<const std::byte>& in, std::string& text) {
  std::uint16_t size = 0;
  if (!take(in, size) || in.size() < size) {
    return false;
  }
  text = formats::escaped_name({reinterpret_cast<const char*>(in.data()), size});
  in = in.subspan(size);
  return true;
}

bool take_name(std::span<const std::byte>& in, Name& name) {
  std::uint8_t fields = 0;
  if (!take_text(in, name.text) || !take(in, fields)) {
    return false;
  }
  name.fields.resize(fields);
  return std::ranges::all_of(name.fields, [&](FieldDescription& field) {
    return take(in, field.kind) && field.kind <= FieldKind::numbers && take_text(in, field.name);
  });
}

}  // namespace

std::vector<std::byte> encode_name(std::string_view text,
                                   std::span<const FieldDescription> fields) {
  fields = fields.first(std::min(fields.size(), most_fields));
  std::vector<std::byte> out;
  put_text(out, text, longest_text);
  out.push_back(static_cast<std::byte>(fields.size()));
  for (const auto& field : fields) {
    out.push_back(static_cast<std::byte>(field.kind));
    put_text(out, field.name, longest_field_name);
  }
  return out;
}

Result<std::vector<Name>> decode_names(std::span<const std::byte> bytes) {
  std::vector<Name> names;
  while (!bytes.empty()) {
    if (!take_name(bytes, names.emplace_back())) {
      return fail(ErrorCode::malformed, "a block of names is damaged");
    }
  }
  return names;
}

NameTable::NameTable() {
  indices_.emplace("", 0);
  full_ = intern("(too many names)");
}

std::uint16_t NameTable::intern(std::string_view text, std::span<const FieldDescription> fields) {
  const std::lock_guard lock(mutex_);
  const auto [entry, is_new] =
      indices_.try_emplace(std::string(text.substr(0, longest_text)), full_);
  if (is_new) {
    if (!append(entry->first, fields)) {
      indices_.erase(entry);
      return full_;
    }
    entry->second = static_cast<std::uint16_t>(count_++);
  }
  return entry->second;
}

bool NameTable::append(std::string_view text, std::span<const FieldDescription> fields) {
  const auto bytes = encode_name(text, fields);
  const auto fits = [&] {
    return !owned_.empty() && owned_.back()->size + bytes.size() <= Chunk::capacity;
  };
  if (count_ > most_names || (!fits() && owned_.size() == most_chunks)) {
    return false;
  }
  if (!fits()) {
    const auto& chunk = owned_.emplace_back(std::make_unique<Chunk>());
    chunks_[owned_.size() - 1].store(chunk.get(), std::memory_order_release);
  }
  Chunk& chunk = *owned_.back();
  const auto used = chunk.size.load(std::memory_order_relaxed);
  std::memcpy(chunk.bytes.data() + used, bytes.data(), bytes.size());
  chunk.size.store(used + static_cast<std::uint32_t>(bytes.size()), std::memory_order_release);
  return true;
}

}  // namespace nodezero::runtime::trace
