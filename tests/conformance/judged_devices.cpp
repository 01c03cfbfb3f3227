#include "tests/conformance/judged_devices.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace heatbath::testing {
namespace {

constexpr const char* positions = "func:cells=24&lanes=32&threads=1";
constexpr const char* spins = "func:cell=pbit&cells=24&lanes=32&threads=1";

constexpr std::array wrong{
    JudgedDevice{"frozen sampler", Wrong::frozen, positions, ""},
    JudgedDevice{"temperature 5 % off", Wrong::warm, positions, ""},
    JudgedDevice{"one coupling ignored", Wrong::coupling_ignored, positions, ""},
    JudgedDevice{"noise reused between lanes", Wrong::lanes_alike, positions, ""},
    JudgedDevice{"noise reused between jobs", Wrong::jobs_alike, positions, ""},
    JudgedDevice{"correlated noise", Wrong::correlated, positions, "noise.common=0.1"},
    JudgedDevice{"sign of a bias", Wrong::bias_sign, spins, ""},
    JudgedDevice{"returns the ground state", Wrong::ground_state, spins, ""},
    JudgedDevice{"meters with the wrong sign", Wrong::meter_sign, positions, ""},
    JudgedDevice{"stale captures", Wrong::stale, positions, ""},
    JudgedDevice{"biased sweep order", Wrong::sweep_order, "func:cell=pbit&stepper=random-sequential&cells=24&lanes=32&threads=1", ""},
};

constexpr std::array honest{
    JudgedDevice{"ideal", Wrong::nothing, positions, ""},
    JudgedDevice{"coded", Wrong::nothing, "func:profile=coded&cells=24&lanes=32&threads=1", ""},
    JudgedDevice{"silicon, another chip each time", Wrong::nothing, "func:profile=silicon&cells=16&threads=1",
                 "identity.serial={}"},
    JudgedDevice{"mismatched couplers and cells", Wrong::nothing, "func:profile=coded&cells=24&lanes=32&threads=1",
                 "identity.serial={};parameters.integer_sums=false;mismatch.cell_gain_sd=0.01;mismatch.coupling_gain_sd=0.02;mismatch.bias_offset_sd_steps=0.5"},
    JudgedDevice{"captures of 10 bits with a bent converter", Wrong::nothing, positions,
                 "identity.serial={};array.rail=4.0;capture.storage=\"code16\";capture.bits=10;capture.inl_sd_steps=0.5"},
    JudgedDevice{"p-bits with biases and couplings of 8 bits", Wrong::nothing, "func:profile=coded&cell=pbit&cells=24&lanes=32&threads=1",
                 "identity.serial={};parameters.integer_sums=false"},
    JudgedDevice{"lattice walk", Wrong::nothing, "func:stepper=lattice-walk&cells=24&lanes=32&threads=1", ""},
};

/// The claims about samples and meters, cheap ones first.
constexpr std::array judges{"sampler.independence", "sampler.sweeps", "programs", "meters", "meter-signs", "sampler.couplers", "sampler.law"};

/// The text of a profile with a key changed or added.
void set_key(std::string& text, const std::string& table, const std::string& key, const std::string& value) {
  const std::string header = "[" + table + "]", line = key + " = " + value + "\n";
  const auto at = text.find(header);
  if (at == std::string::npos) {
    text += header + "\n" + line;
    return;
  }
  const auto begin = text.find('\n', at) + 1, end = std::min(text.find("\n[", at), text.size());
  const auto old = text.find("\n" + key + " ", at);
  if (old < end) text.erase(old + 1, text.find('\n', old + 1) - old);
  text.insert(begin, line);
}

/// The URI with its seed, and with a profile of its own where it is changed.
std::string uri_of(const JudgedDevice& device, std::uint64_t seed, const std::filesystem::path& folder) {
  std::string uri = device.uri;
  if (device.changes[0] != '\0') {
    std::string text;
    const auto at = uri.find("profile=");
    if (at != std::string::npos) {
      const auto end = std::min(uri.find('&', at), uri.size());
      const std::string name = uri.substr(at + 8, end - at - 8);
      std::ifstream file(std::filesystem::path(HEATBATH_PROFILES) / (name + ".toml"));
      if (!file) throw std::runtime_error("no profile " + name + " in " HEATBATH_PROFILES);
      text.assign(std::istreambuf_iterator<char>(file), {});
      uri.erase(at, end + 1 - at);
    }
    std::istringstream changes(device.changes);
    for (std::string change; std::getline(changes, change, ';');) {
      const auto dot = change.find('.'), equals = change.find('=');
      const std::string value = change.substr(equals + 1);
      set_key(text, change.substr(0, dot), change.substr(dot + 1, equals - dot - 1), value == "{}" ? std::to_string(seed) : value);
    }
    std::string name(device.name);
    std::ranges::replace_if(name, [](char c) { return c == ' ' || c == ','; }, '_');
    const std::filesystem::path file = folder / (name + "_" + std::to_string(seed) + ".toml");
    std::ofstream(file) << text;
    uri.insert(uri.find(':') + 1, "profile=" + file.string() + "&");
  }
  return uri + "&seed=" + std::to_string(seed);
}

}  // namespace

std::span<const JudgedDevice> wrong_devices() { return wrong; }
std::span<const JudgedDevice> honest_devices() { return honest; }

Judgement judge(const JudgedDevice& judged, std::uint64_t seed, const std::filesystem::path& folder) {
  Device device = wrong_device(uri_of(judged, seed, folder), judged.wrong, seed);
  Judgement judgement;
  for (const char* name : judges) {
    const std::string one[] = {name};
    const conformance::Verdict verdict = conformance::check(*conformance::chosen_claims(one).front(), device);
    if (verdict.kind == conformance::Verdict::Kind::broken) return {true, name, verdict.detail};
    if (std::string(name) == "sampler.law") judgement.detail = verdict.detail;
  }
  return judgement;
}

}  // namespace heatbath::testing
