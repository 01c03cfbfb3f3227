#include "heatbath/numerics/isa.hpp"

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "heatbath/numerics/text.hpp"

namespace heatbath::numerics {
namespace {

bool has(Isa isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  switch (isa) {
    case Isa::portable: return true;
    case Isa::avx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Isa::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  }
#endif
  return isa == Isa::portable;
}

Isa best() {
  const char* wanted = std::getenv("HEATBATH_ISA");
  if (wanted == nullptr || *wanted == '\0') return available_isas().back();
  std::string names;
  for (const Isa isa : available_isas()) {
    if (name(isa) == wanted) return isa;
    names.append(names.empty() ? "" : ", ").append(name(isa));
  }
  throw std::invalid_argument("HEATBATH_ISA is " + quoted(wanted) + "; this processor has " + names);
}

std::atomic<Isa>& active() {
  static std::atomic<Isa> isa{best()};
  return isa;
}

}  // namespace

Isa active_isa() { return active().load(std::memory_order_relaxed); }

bool select_isa(Isa isa) {
  if (!has(isa)) return false;
  active().store(isa, std::memory_order_relaxed);
  return true;
}

std::vector<Isa> available_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512})
    if (has(isa)) isas.push_back(isa);
  return isas;
}

std::string_view name(Isa isa) {
  switch (isa) {
    case Isa::portable: return "portable";
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
  }
  return "unknown";
}

}  // namespace heatbath::numerics
