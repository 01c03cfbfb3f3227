#pragma once
// The imperfections of a chip: what its profile says it does to values, in the order in which they act.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hw_model/analog/imperfection.hpp"
#include "hw_model/device/profile.hpp"

namespace heatbath::model {

/// An ordered list. At each instant (parameter load, moment, step, read-out) every imperfection acts on what the ones
/// before it have left. Converters come first when a parameter is loaded, last when a state is read: clips, rounding
/// and full scale are theirs (hw_model/analog/converters.hpp).
class Imperfections {
 public:
  explicit Imperfections(const Profile& profile);

  /// A chip without any.
  bool none() const { return list_.empty(); }
  void load(hb_section_t section, std::span<float> values) {
    for (const auto& one : list_) one->load(section, values);
  }
  void load_couplings(const LoadedCouplings& couplings) {
    for (const auto& one : list_) one->load_couplings(couplings);
  }
  /// Whether live parameters change as device time passes; `pass` and `act` do nothing else.
  bool moves() const { return moves_; }
  void pass(const Moment& moment) {
    for (const auto& one : list_)
      if (one->moves()) one->pass(moment);
  }
  void act(physics::Parameters& parameters) const {
    for (const auto& one : list_) one->act(parameters);
  }
  /// Temperature of the die at the last moment; 0 where none is modelled.
  double kelvin() const {
    double kelvin = 0;
    for (const auto& one : list_) kelvin += one->kelvin();
    return kelvin;
  }
  void restart() {
    for (const auto& one : list_) one->restart();
  }
  void power_on() {
    for (const auto& one : list_) one->power_on();
  }
  /// What all of them keep.
  void exchange(numerics::Archive& archive, std::uint32_t cells, std::uint32_t lanes) {
    for (const auto& one : list_) one->exchange(archive, cells, lanes);
  }
  void step(physics::ArraySpec& spec) const {
    for (const auto& one : list_) one->step(spec);
  }
  void prepare_read_out(std::uint32_t cells) {
    for (const auto& one : list_) one->prepare_read_out(cells);
  }
  bool reads_out() const { return reads_out_; }
  /// `address` null: an observer looks.
  void read_out(std::uint32_t component, std::uint32_t first, std::span<float> values, const ReadAddress* address) const {
    for (const auto& one : list_) one->read_out(component, first, values, address);
  }
  bool spreads_temperature() const { return spreads_temperature_; }
  bool offsets_couplings() const { return offsets_couplings_; }
  /// Cells that never move, by cell; of all cells that a chip of the profile may have.
  std::span<const HeldCell> held() const { return held_; }

 private:
  std::vector<std::unique_ptr<Imperfection>> list_;
  bool reads_out_ = false, moves_ = false, spreads_temperature_ = false, offsets_couplings_ = false;
  std::span<const HeldCell> held_;
};

}  // namespace heatbath::model
