#pragma once
// The pictures of a generative run.

#include <cstddef>
#include <vector>

#include "report/generative_report.hpp"

namespace heatbath::apps {

/// samples.png: the first 25 samples, five in a row.
Picture samples_picture(const trainers::Samples& samples, const trainers::Classification& classes);
/// trajectories.png: one row per kept shot, from noise to digit.
Picture trajectories_picture(const trainers::Samples& samples);
/// receptive_fields.png: couplings of 16 hidden cells to the visible cells.
Picture receptive_fields_picture(const trainers::GenerativeModel& model);
/// training.png: action per step above its floor at each update. Runs gnuplot.
Picture training_picture(const SavedModel& saved);
/// heat.png: histogram of Q/kT with its mean and the paper's. Runs gnuplot.
Picture heat_picture(const std::vector<double>& heat, double kT);

/// Indices of `count` hidden cells (0 = first hidden), equally spaced in the order of the Euclidean norm of their
/// couplings to the visible cells, from the largest to the smallest; all of them when the model has fewer.
std::vector<std::size_t> hidden_by_strength(const trainers::GenerativeModel& model, std::size_t count);

}  // namespace heatbath::apps
