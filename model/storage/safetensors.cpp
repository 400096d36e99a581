// SPDX-License-Identifier: BSD-3-Clause
#include "model/storage/safetensors.hpp"

#include <algorithm>
#include <bit>
#include <deque>
#include <optional>
#include <set>
#include <vector>

#include <Eigen/Core>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "model/files/file_writer.hpp"
#include "model/files/input_file.hpp"
#include "model/storage/safetensors_header.hpp"

namespace nodezero::model {
namespace {

// The format's numbers have their low byte first.
static_assert(std::endian::native == std::endian::little);

constexpr std::size_t header_alignment = 8;
/// Numbers that are converted or compared at a time.
constexpr std::size_t chunk_size = std::size_t{1} << 16;

constexpr std::string_view model_prefix = "transformer.";
constexpr std::string_view embedding_name = "transformer.wte.weight";
constexpr std::string_view output_name = "lm_head.weight";

struct NamedTensor {
  std::string name;
  const TensorSet* set;
  const TensorInfo* info;
};

std::vector<NamedTensor> in_name_order(
    const std::map<std::string, const TensorSet*>& sets_by_prefix) {
  std::vector<NamedTensor> tensors;
  for (const auto& [prefix, set] : sets_by_prefix) {
    for (const TensorInfo& info : set->layout()->tensors()) {
      tensors.push_back({prefix + info.name, set, &info});
    }
  }
  std::ranges::sort(tensors, {}, &NamedTensor::name);
  return tensors;
}

const char* type_name(NumberForm form) {
  return form == NumberForm::f32 ? "F32" : form == NumberForm::f16 ? "F16" : "BF16";
}

std::string header_of(const std::vector<NamedTensor>& tensors, NumberForm form) {
  nlohmann::ordered_json::object_t::Container entries;
  entries.emplace_back("__metadata__", nlohmann::ordered_json{{"format", "pt"}});
  std::uint64_t begin = 0;
  for (const NamedTensor& tensor : tensors) {
    const std::uint64_t end = begin + stored_bytes(form, tensor.info->size);
    entries.emplace_back(tensor.name, nlohmann::ordered_json{{"dtype", type_name(form)},
                                                             {"shape", tensor.info->shape},
                                                             {"data_offsets", {begin, end}}});
    begin = end;
  }
  nlohmann::ordered_json::object_t object;
  static_cast<decltype(entries)&>(object) = std::move(entries);
  std::string header = nlohmann::ordered_json(std::move(object)).dump();
  header.resize((header.size() + header_alignment - 1) / header_alignment * header_alignment, ' ');
  return header;
}

/// A tensor in one of several files.
struct Stored : StoredTensor {
  const InputFile* file = nullptr;
};

/// Everything that reading needs.
class Reader {
 public:
  Result<void> add(InputFile opened);
  Result<void> read(const std::string& prefix, TensorSet& set);

 private:
  static tl::unexpected<Error> malformed(const InputFile& file, const std::string& what) {
    return fail(ErrorCode::malformed, fmt::format("{}: {}", file.path().string(), what));
  }
  static Result<void> check_shape(const std::string& name, const Stored& stored,
                                  const std::vector<std::int64_t>& wanted);
  static Result<void> read_numbers(const Stored& stored, std::size_t first, std::span<float> out);
  static Result<void> check_equal(const std::string& name, const Stored& stored,
                                  std::span<const float> expected);

  std::deque<InputFile> files_;
  std::map<std::string, Stored> stored_;
};

/// Which tensor of the layout a stored name means, with or without "transformer.".
const TensorInfo* find_tensor(const TensorLayout& layout, std::string_view name) {
  if (const TensorInfo* found = layout.find(name)) {
    return found;
  }
  if (name.starts_with(model_prefix)) {
    return layout.find(name.substr(model_prefix.size()));
  }
  return layout.find(std::string(model_prefix).append(name));
}

/// The causal mask, which GPT-2's files used to hold for every layer.
bool is_attention_mask(std::string_view name) {
  return name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias");
}

Result<void> Reader::add(InputFile opened) {
  auto header = read_safetensors_header(opened);
  if (!header) {
    return tl::unexpected(header.error());
  }
  const InputFile& file = files_.emplace_back(std::move(opened));
  for (auto& [name, tensor] : *header) {
    const auto [place, is_new] = stored_.try_emplace(name, Stored{std::move(tensor), &file});
    if (!is_new) {
      return malformed(file, fmt::format("tensor {} is in {}, too; copy the shards of one model",
                                         name, place->second.file->path().string()));
    }
  }
  return {};
}

Result<void> Reader::check_shape(const std::string& name, const Stored& stored,
                                 const std::vector<std::int64_t>& wanted) {
  if (stored.shape != wanted) {
    return malformed(
        *stored.file,
        fmt::format(
            "tensor {} has the shape [{}], but the model needs [{}]; check that config.json "
            "belongs to it",
            name, fmt::join(stored.shape, ", "), fmt::join(wanted, ", ")));
  }
  if (stored.type != "F32" && stored.type != "F16" && stored.type != "BF16") {
    return malformed(
        *stored.file,
        fmt::format("tensor {} is of type {}; save it as F32, F16 or BF16", name, stored.type));
  }
  return {};
}

/// Converts 16-bit numbers; `Half` is one of Eigen's types of that size.
template <class Half>
void widen(std::span<const std::uint16_t> bits, std::span<float> out) {
  static_assert(sizeof(Half) == sizeof(std::uint16_t));
  std::ranges::transform(bits, out.begin(), [](std::uint16_t number) {
    return static_cast<float>(Eigen::numext::bit_cast<Half>(number));
  });
}

/// Numbers [first, first + out.size()) of a tensor. F32 goes straight to its place.
Result<void> Reader::read_numbers(const Stored& stored, std::size_t first, std::span<float> out) {
  if (stored.type == "F32") {
    return stored.file->read(stored.begin + first * sizeof(float), std::as_writable_bytes(out));
  }
  std::vector<std::uint16_t> bits(std::min(out.size(), chunk_size));
  while (!out.empty()) {
    const auto part = std::span(bits).first(std::min(out.size(), bits.size()));
    if (auto read = stored.file->read(stored.begin + first * sizeof(std::uint16_t),
                                      std::as_writable_bytes(part));
        !read) {
      return read;
    }
    if (stored.type == "F16") {
      widen<Eigen::half>(part, out);
    } else {
      widen<Eigen::bfloat16>(part, out);
    }
    first += part.size();
    out = out.subspan(part.size());
  }
  return {};
}

Result<void> Reader::check_equal(const std::string& name, const Stored& stored,
                                 std::span<const float> expected) {
  std::vector<float> numbers(std::min(expected.size(), chunk_size));
  for (std::size_t first = 0; first < expected.size(); first += numbers.size()) {
    const auto part = std::span(numbers).first(std::min(numbers.size(), expected.size() - first));
    if (auto read = read_numbers(stored, first, part); !read) {
      return read;
    }
    if (!std::ranges::equal(part, expected.subspan(first, part.size()))) {
      return malformed(
          *stored.file,
          fmt::format(
              "tensor {} differs from {}, although config.json says that the output is tied "
              "to the token embedding; set its tie_word_embeddings to false",
              name, embedding_name));
    }
  }
  return {};
}

Result<void> Reader::read(const std::string& prefix, TensorSet& set) {
  const TensorLayout& layout = *set.layout();
  std::set<const TensorInfo*> found;
  std::optional<std::string> output;
  for (const auto& [name, stored] : stored_) {
    if (!name.starts_with(prefix)) {
      continue;
    }
    const auto own_name = std::string_view(name).substr(prefix.size());
    const TensorInfo* info = find_tensor(layout, own_name);
    if (info == nullptr && own_name == output_name) {
      output = name;
      continue;
    }
    if (info == nullptr && is_attention_mask(own_name)) {
      continue;
    }
    if (info == nullptr) {
      return malformed(
          *stored.file,
          fmt::format("tensor {} of shape [{}] is not part of the model; check that config.json "
                      "belongs to it",
                      name, fmt::join(stored.shape, ", ")));
    }
    if (!found.insert(info).second) {
      return malformed(*stored.file,
                       fmt::format("tensor {} occurs twice, with and without \"{}\"; remove one",
                                   name, model_prefix));
    }
    if (auto checked = check_shape(name, stored, info->shape); !checked) {
      return checked;
    }
    if (auto read = read_numbers(stored, 0, set[*info]); !read) {
      return read;
    }
  }
  for (const TensorInfo& info : layout.tensors()) {
    if (!found.contains(&info)) {
      return malformed(
          files_.front(),
          fmt::format("tensor {} of shape [{}] is missing; check that config.json belongs to it",
                      prefix + info.name, fmt::join(info.shape, ", ")));
    }
  }
  const TensorInfo* embedding = layout.find(embedding_name);
  if (!output || embedding == nullptr) {
    return {};
  }
  const Stored& stored = stored_.at(*output);
  if (auto checked = check_shape(*output, stored, embedding->shape); !checked) {
    return checked;
  }
  return check_equal(*output, stored, set[*embedding]);
}

}  // namespace

Result<void> write_safetensors(const std::filesystem::path& path,
                               const std::map<std::string, const TensorSet*>& sets_by_prefix,
                               NumberForm form) {
  const auto tensors = in_name_order(sets_by_prefix);
  const std::string header = header_of(tensors, form);
  const std::uint64_t length = header.size();
  auto writer = FileWriter::create(path);
  if (!writer) {
    return tl::unexpected(writer.error());
  }
  auto written = writer->append(std::as_bytes(std::span(&length, 1))).and_then([&] {
    return writer->append(header);
  });
  std::string bytes;
  for (const NamedTensor& tensor : tensors) {
    auto rest = (*tensor.set)[*tensor.info];
    while (written && !rest.empty()) {
      const auto part = rest.first(std::min(rest.size(), chunk_size));
      bytes.clear();
      store(form, part, bytes);
      written = writer->append(bytes);
      rest = rest.subspan(part.size());
    }
  }
  return written.and_then([&] { return writer->finish(); });
}

Result<void> read_safetensors(std::span<const std::filesystem::path> paths,
                              const std::string& prefix, TensorSet& set) {
  Reader reader;
  for (const auto& path : paths) {
    auto file = InputFile::open(path);
    if (!file) {
      return tl::unexpected(file.error());
    }
    if (auto added = reader.add(std::move(*file)); !added) {
      return added;
    }
  }
  return reader.read(prefix, set);
}

Result<void> read_safetensors(const std::filesystem::path& path, const std::string& prefix,
                              TensorSet& set) {
  return read_safetensors(std::span(&path, 1), prefix, set);
}

}  // namespace nodezero::model
