#pragma once
// Estimates from independent samples on the line.

#include <cstdint>
#include <span>
#include <vector>

#include "heatbath/measure/estimate.hpp"

namespace heatbath::trainers {

using Column = std::vector<double>;

/// Mean of y with the standard error of what is left after regression on control variates, columns of y's length
/// whose mean is known to be 0. Controls that are combinations of others do no harm.
measure::Estimate controlled_mean(std::span<const double> y, std::span<const Column* const> controls = {});

/// mean(y)/mean(x) of paired samples, with the error of the delta method.
measure::Estimate ratio_of_means(std::span<const double> y, std::span<const double> x);

/// Differential entropy from distances to the 4th nearest neighbour (Kozachenko & Leonenko 1987), in nats. At least 5
/// samples; equal ones count as apart by the smallest difference there is.
measure::Estimate neighbour_entropy(std::vector<double> samples);

/// KL(p || q) from samples of both, by distances to the 4th nearest neighbour (Wang, Kulkarni & Verdu 2009), in nats.
measure::Estimate neighbour_divergence(std::vector<double> p, std::vector<double> q);

/// Wasserstein-2 distance of two equally large samples (sorted coupling), with the scatter of `blocks` blocks as error.
measure::Estimate wasserstein(std::span<const double> a, std::span<const double> b);

/// Weights w_j with sum_j w_j f(clock_j) = integral of f from the first clock to the last. The clock begins at 0 and
/// rises; f may diverge like an inverse square root at 0, where its value is not used. Local cubics in
/// ln(sqrt(clock) + knee): the error falls with the fourth power of the spacing.
std::vector<double> clock_weights(std::span<const double> clock, double knee);

}  // namespace heatbath::trainers
