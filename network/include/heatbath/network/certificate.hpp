#pragma once
// The certificate of samples of a network.

#include <span>

#include "heatbath/job.hpp"
#include "heatbath/measure/certificate.hpp"
#include "heatbath/network/network.hpp"

namespace heatbath::network {

/// The network's energy as a certificate sees it. `state_factor`: network's state of a given state of 1
/// (Factors::state where states are the device's). Error(UNSUPPORTED) for directed couplings: such a network has no
/// energy that its samples would follow. It copies what it needs of the network.
measure::EnergyView energy_view(const Network& network, double state_factor = 1);

/// Certificate of everything captured: a chain per shot, its records in order. `kT` in the network's energy units; what
/// `options` says of kT is not used. Error(BAD_ARG) where other variables than the cells were captured, or fewer than 2
/// samples, or a state is not finite.
measure::Certificate certify(const Network& network, double kT, const Capture& capture, double state_factor = 1,
                             measure::CertificateOptions options = {});
/// The same of states: chains x records x cells, row-major.
measure::Certificate certify(const Network& network, double kT, std::span<const float> states, std::size_t chains,
                             double state_factor = 1, measure::CertificateOptions options = {});

/// Probabilities exp(-V/kT)/Z of all 2^cells states of spins, bit i set: s_i = +1. Error(UNSUPPORTED) for other cells
/// and for more than 20.
std::vector<double> enumerated_law(const Network& network, double kT);

}  // namespace heatbath::network
