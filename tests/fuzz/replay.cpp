// Runs a target without libFuzzer: its corpus, then, where asked for, mutations of it.
//
//   fuzz_NAME FILE|FOLDER... [--mutations N] [--random N] [--seconds S] [--seed K]
//
// Mutations are those of libFuzzer's blind mode: bytes changed, inserted, erased, copied, numbers at the ends of their
// ranges, two inputs joined. --random adds inputs of up to
// 16 KiB that are nothing but chance. An input that ends the process is left as crash.input in the working folder.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string_view>
#include <vector>

#include "tests/fuzz/input.hpp"

namespace {

using Bytes = std::vector<std::uint8_t>;
using Rng = std::mt19937_64;

Bytes read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Bytes mutated(const std::vector<Bytes>& corpus, Rng& rng) {
  Bytes input = corpus[rng() % corpus.size()];
  for (std::uint64_t n = 1 + rng() % 5; n > 0; --n) {
    const std::size_t at = input.empty() ? 0 : rng() % input.size();
    switch (rng() % 7) {
      case 0:
        if (!input.empty()) input[at] = static_cast<std::uint8_t>(rng());
        break;
      case 1:
        if (!input.empty()) input[at] ^= static_cast<std::uint8_t>(1u << rng() % 8);
        break;
      case 2: input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::uint8_t>(rng())); break;
      case 3: input.erase(input.begin() + static_cast<std::ptrdiff_t>(at), input.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(input.size(), at + rng() % 9))); break;
      case 4: {  // a number at an end of its range
        constexpr std::uint8_t ends[] = {0x00, 0xFF, 0x7F, 0x80};
        const std::uint8_t end = ends[rng() % 4];
        for (std::size_t k = at; k < input.size() && k < at + (std::size_t{1} << rng() % 4); ++k) input[k] = end;
        break;
      }
      case 5: {  // a piece of itself again
        if (input.empty()) break;
        const std::size_t from = rng() % input.size(), size = std::min<std::size_t>(rng() % 64, input.size() - from);
        const Bytes piece(input.begin() + static_cast<std::ptrdiff_t>(from), input.begin() + static_cast<std::ptrdiff_t>(from + size));
        input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), piece.begin(), piece.end());
        break;
      }
      case 6: {  // the end of another
        const Bytes& other = corpus[rng() % corpus.size()];
        input.resize(at);
        input.insert(input.end(), other.begin() + static_cast<std::ptrdiff_t>(std::min(at, other.size())), other.end());
        break;
      }
    }
  }
  if (input.size() > 1u << 16) input.resize(1u << 16);
  return input;
}

/// Nothing but chance: for targets that take any bytes for choices.
Bytes by_chance(Rng& rng) {
  Bytes input(1 + rng() % 16384);
  for (std::uint8_t& byte : input) byte = static_cast<std::uint8_t>(rng());
  return input;
}

void run(const Bytes& input, bool keep) {
  if (keep) std::ofstream("crash.input", std::ios::binary).write(reinterpret_cast<const char*>(input.data()), static_cast<std::streamsize>(input.size()));
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

}  // namespace

int main(int count, char** arguments) {
  std::vector<Bytes> corpus;
  std::uint64_t mutations = 0, random = 0, seed = 1, done = 0;
  double seconds = 1e9;
  for (int k = 1; k < count; ++k) {
    const std::string_view word = arguments[k];
    if (word.starts_with("--") && k + 1 < count) {
      const std::string value = arguments[++k];
      if (word == "--mutations") mutations = std::stoull(value);
      if (word == "--random") random = std::stoull(value);
      if (word == "--seconds") seconds = std::stod(value);
      if (word == "--seed") seed = std::stoull(value);
      continue;
    }
    if (!std::filesystem::is_directory(word)) {
      corpus.push_back(read(word));
      continue;
    }
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(word)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const auto& file : files) corpus.push_back(read(file));
  }
  if (corpus.empty()) corpus.emplace_back();
  const auto begin = std::chrono::steady_clock::now();
  const auto passed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  for (const Bytes& input : corpus) run(input, false);
  Rng rng(seed);
  for (; done < mutations && passed() < seconds; ++done) run(mutated(corpus, rng), true);
  for (; done < mutations + random && passed() < seconds; ++done) run(by_chance(rng), true);
  std::error_code none;
  if (done > 0) std::filesystem::remove("crash.input", none);
  std::printf("%zu inputs of the corpus, %llu mutations, %.1f s\n", corpus.size(), static_cast<unsigned long long>(done), passed());
}
