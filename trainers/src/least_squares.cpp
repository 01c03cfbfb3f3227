#include "least_squares.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <Eigen/Dense>

#include "heatbath/cells/quartic.hpp"
#include "heatbath/numerics/matrix_product.hpp"
#include "heatbath/numerics/thread_team.hpp"

namespace heatbath::trainers {
namespace {

using numerics::MatrixView;
using numerics::matrix_product;

constexpr std::uint32_t kStretches = 128;  // of tf in which means are taken as constant
constexpr double kReduction = 1e-3;        // of the residual's norm: the action's own is its square
constexpr std::uint32_t kMostSteps = 400;
constexpr std::size_t kCellsPerPiece = 64;
constexpr Eigen::Index kHats = 32;
constexpr double kBending = 1;  // ridge on second differences, in cells times trajectories

/// The unknowns, or a vector of their size: couplings as two blocks, and weights of the inputs (the bias, then labels).
struct Vector {
  std::vector<float> vh, hh, inputs;

  std::vector<float>* parts(int i) { return i == 0 ? &vh : i == 1 ? &hh : &inputs; }
  const std::vector<float>* parts(int i) const { return i == 0 ? &vh : i == 1 ? &hh : &inputs; }
};

/// Inner product over independent parameters: hh holds each pair twice.
double dot(const Vector& a, const Vector& b) {
  double total = 0;
  for (int part = 0; part < 3; ++part) {
    const std::vector<float>&x = *a.parts(part), &y = *b.parts(part);
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += static_cast<double>(x[i]) * static_cast<double>(y[i]);
    total += part == 1 ? 0.5 * sum : sum;
  }
  return total;
}

/// y <- y + factor x, or x + factor y with `reverse`.
void combine(Vector& y, double factor, const Vector& x, bool reverse = false) {
  const auto f = static_cast<float>(factor);
  for (int part = 0; part < 3; ++part) {
    std::vector<float>& to = *y.parts(part);
    const std::vector<float>& from = *x.parts(part);
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = reverse ? from[i] + f * to[i] : to[i] + f * from[i];
  }
}

/// Means that depend on a cell and an image through the drive h only: hats on equal steps of asinh(h), with a ridge on
/// their second differences.
class FunctionOfDrive {
 public:
  /// fields: images x cells; trajectories: of each image, behind each of its means.
  FunctionOfDrive(std::span<const float> fields, std::span<const std::uint64_t> trajectories)
      : hat_(fields.size()), part_(fields.size()), weight_(fields.size()) {
    double lowest = HUGE_VAL, highest = -HUGE_VAL;
    for (const float h : fields) {
      lowest = std::min(lowest, std::asinh(static_cast<double>(h)));
      highest = std::max(highest, std::asinh(static_cast<double>(h)));
    }
    const double step = std::max((highest - lowest) / (kHats - 1), 1e-9);
    Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(kHats, kHats);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const double at = (std::asinh(static_cast<double>(fields[i])) - lowest) / step;
      hat_[i] = std::min<Eigen::Index>(static_cast<Eigen::Index>(at), kHats - 2);
      part_[i] = at - static_cast<double>(hat_[i]);
      weight_[i] = static_cast<double>(trajectories[i / (fields.size() / trajectories.size())]);
      const Eigen::Vector2d phi(1 - part_[i], part_[i]);
      gram.block<2, 2>(hat_[i], hat_[i]) += weight_[i] * phi * phi.transpose();
    }
    const Eigen::Vector3d bend(1, -2, 1);
    for (Eigen::Index k = 0; k + 2 < kHats; ++k) gram.block<3, 3>(k, k) += kBending * bend * bend.transpose();
    solver_.compute(gram);
  }

  /// Replaces one mean per field by the function that fits all of them.
  void fit(std::span<double> values) const {
    Eigen::VectorXd right = Eigen::VectorXd::Zero(kHats);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double value = values[i] * weight_[i];
      right[hat_[i]] += (1 - part_[i]) * value;
      right[hat_[i] + 1] += part_[i] * value;
    }
    const Eigen::VectorXd function = solver_.solve(right);
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = (1 - part_[i]) * function[hat_[i]] + part_[i] * function[hat_[i] + 1];
    }
  }

 private:
  std::vector<Eigen::Index> hat_;
  std::vector<double> part_, weight_;
  Eigen::LDLT<Eigen::MatrixXd> solver_;
};

}  // namespace

NoisingStatistics::NoisingStatistics(std::uint32_t visible, std::uint32_t hidden, std::uint32_t images,
                                     std::uint64_t steps, std::uint32_t windows, const PathScale& scale)
    : visible_(visible),
      hidden_(hidden),
      images_(images),
      steps_(steps),
      windows_(windows),
      stretches_(static_cast<std::uint32_t>(
          std::clamp<std::uint64_t>(kStretches / windows, 1, std::max<std::uint64_t>(steps / windows, 1)))),
      scale_(scale),
      counts_(images, 0),
      states_(std::size_t{windows} * images * stretches_ * cells(), 0.0),
      forces_(states_.size(), 0.0),
      squares_(std::size_t{windows} * images * cells(), 0.0),
      last_(2 * std::size_t{images} * cells(), 0.0) {}

GatheredSums NoisingStatistics::sums() const { return {counts_, states_, forces_, squares_, last_, last_square_}; }

bool NoisingStatistics::take_up(GatheredSums sums) {
  if (sums.trajectories.size() != counts_.size() || sums.states.size() != states_.size() ||
      sums.forces.size() != forces_.size() || sums.squares.size() != squares_.size() || sums.ends.size() != last_.size())
    return false;
  counts_ = std::move(sums.trajectories);
  states_ = std::move(sums.states);
  forces_ = std::move(sums.forces);
  squares_ = std::move(sums.squares);
  last_ = std::move(sums.ends);
  last_square_ = sums.end_square;
  return true;
}

ReverseAction NoisingStatistics::add(std::uint32_t image, std::span<const float> trajectory,
                                     numerics::ThreadTeam& team) {
  const std::size_t n = cells();
  const float two_j2 = 2.0f * scale_.j2, four_j4 = 4.0f * scale_.j4;
  const auto rate = static_cast<float>(1.0 / (scale_.mobility * scale_.period));
  const std::size_t pieces = (n + kCellsPerPiece - 1) / kCellsPerPiece;
  std::vector<double> action(pieces), floor(pieces);
  team.run(pieces, [&](std::size_t piece) {
    const std::size_t from = piece * kCellsPerPiece, to = std::min(n, from + kCellsPerPiece);
    double sum_action = 0, sum_floor = 0;
    for (std::uint32_t w = 0; w < windows_; ++w) {
      const std::uint64_t first = begin(w), count = begin(w + 1) - first;
      double* squares = squares_.data() + (std::size_t{w} * images_ + image) * n;
      for (std::uint32_t s = 0; s < stretches_; ++s) {
        const std::size_t row = ((std::size_t{w} * images_ + image) * stretches_ + s) * n;
        double *states = states_.data() + row, *forces = forces_.data() + row;
        for (std::uint64_t k = first + count * s / stretches_; k < first + count * (s + 1) / stretches_; ++k) {
          const float* before = trajectory.data() + k * n;
          const float* x = before + n;
          for (std::size_t i = from; i < to; ++i) {
            const float dx = x[i] - before[i];
            const float c = cells::quartic_gradient(two_j2, four_j4, x[i]) - rate * dx;
            states[i] += static_cast<double>(x[i]);
            forces[i] += static_cast<double>(c);
            squares[i] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
            sum_action += static_cast<double>(c) * static_cast<double>(c);
            sum_floor += static_cast<double>(dx) * static_cast<double>(dx);
          }
        }
      }
    }
    action[piece] = sum_action;
    floor[piece] = sum_floor;
  });
  const float* last = trajectory.data() + steps_ * n;
  double* ends = last_.data() + (counts_[image] % 2 * images_ + image) * n;
  for (std::size_t i = 0; i < n; ++i) {
    ends[i] += static_cast<double>(last[i]);
    last_square_ += static_cast<double>(last[i]) * static_cast<double>(last[i]);
  }
  ++counts_[image];
  ReverseAction result;
  for (std::size_t piece = 0; piece < pieces; ++piece) {
    result.per_step += action[piece];
    result.floor += floor[piece];
  }
  const double steps = static_cast<double>(steps_);
  result.per_step *= scale_.mobility * scale_.period / (4.0 * static_cast<double>(scale_.kT) * steps);
  result.floor /= 4.0 * scale_.mobility * static_cast<double>(scale_.kT) * scale_.period * steps;
  return result;
}

void NoisingStatistics::means(std::uint32_t window, std::span<const float> fields, std::vector<double>& states,
                              std::vector<double>& forces) const {
  const std::size_t n = cells();
  const std::uint64_t count = begin(window + 1) - begin(window);
  states.assign(std::size_t{images_} * stretches_ * n, 0.0);
  forces = states;
  for (std::uint32_t p = 0; p < images_; ++p) {
    for (std::uint32_t s = 0; s < stretches_; ++s) {
      const std::uint64_t steps = count * (s + 1) / stretches_ - count * s / stretches_;
      if (steps == 0) continue;
      const double scale = 1 / (static_cast<double>(counts_[p]) * static_cast<double>(steps));
      const std::size_t from = ((std::size_t{window} * images_ + p) * stretches_ + s) * n;
      const std::size_t to = (std::size_t{p} * stretches_ + s) * n;
      for (std::size_t i = 0; i < n; ++i) {
        states[to + i] = scale * states_[from + i];
        forces[to + i] = scale * forces_[from + i];
      }
    }
  }
  if (fields.empty()) return;
  const FunctionOfDrive function(fields, counts_);
  std::vector<double> row(fields.size());
  for (std::vector<double>* values : {&states, &forces}) {
    for (std::uint32_t s = 0; s < stretches_; ++s) {
      const auto at = [&](std::size_t i) -> double& { return (*values)[((i / n) * stretches_ + s) * n + i % n]; };
      for (std::size_t i = 0; i < row.size(); ++i) row[i] = at(i);
      function.fit(row);
      for (std::size_t i = 0; i < row.size(); ++i) at(i) = row[i];
    }
  }
}

double NoisingStatistics::memory(std::span<const float> fields) const {
  const std::size_t n = cells();
  std::array<std::vector<double>, 2> halves, functions;
  double trajectories = 0;
  for (std::size_t half = 0; half < 2; ++half) {
    halves[half].resize(fields.size());
    std::vector<std::uint64_t> counts(images_);
    for (std::uint32_t p = 0; p < images_; ++p) {
      counts[p] = (counts_[p] + 1 - half) / 2;
      trajectories += static_cast<double>(counts[p]);
      for (std::size_t i = 0; i < n; ++i) {
        halves[half][p * n + i] = last_[(half * images_ + p) * n + i] / static_cast<double>(counts[p]);
      }
    }
    functions[half] = halves[half];
    FunctionOfDrive(fields, counts).fit(functions[half]);
  }
  double squares = 0;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    squares += 0.5 * (functions[0][i] * halves[1][i] + functions[1][i] * halves[0][i]) / images_;
  }
  const double variance = last_square_ / (trajectories * static_cast<double>(n)) - squares / static_cast<double>(n);
  return squares / (2 * variance);
}

NoisingStatistics::Optimum NoisingStatistics::solve(std::uint32_t window, bool visible_biases,
                                                    std::span<const float> fields,
                                                    std::span<const std::uint32_t> label_of, std::uint32_t labels,
                                                    std::span<const double> image_weights,
                                                    numerics::ThreadTeam& team) const {
  const std::size_t n = cells(), v = visible_, h = hidden_, rows = std::size_t{images_} * stretches_;
  const std::size_t inputs = 1 + labels;
  const std::uint64_t first = begin(window), count = begin(window + 1) - first;

  std::vector<double> mean_states, mean_forces;  // [image][stretch][cell]
  means(window, fields, mean_states, mean_forces);

  // Rows sqrt(weight) m and sqrt(weight) c, weights of sum 1 over images and stretches.
  std::vector<float> m(rows * n), c(rows * n), second, cross(n * n), input_state(inputs * n), input_force(inputs * n),
      input_input(inputs * inputs);
  std::vector<double> diagonal(n, 0.0);
  for (std::uint32_t p = 0; p < images_; ++p) {
    const double shots = static_cast<double>(counts_[p]);
    const double share = image_weights.empty() ? 1.0 / images_ : image_weights[p];
    for (std::uint32_t s = 0; s < stretches_; ++s) {
      const std::uint64_t steps = count * (s + 1) / stretches_ - count * s / stretches_;
      if (steps == 0) continue;
      const double weight = share * static_cast<double>(steps) / static_cast<double>(count);
      const std::size_t to = (std::size_t{p} * stretches_ + s) * n;
      for (std::size_t i = 0; i < n; ++i) {
        m[to + i] = static_cast<float>(std::sqrt(weight) * mean_states[to + i]);
        c[to + i] = static_cast<float>(std::sqrt(weight) * mean_forces[to + i]);
      }
      for (std::size_t u = 0; u < inputs; ++u) {
        if (u > 0 && label_of[p] != u - 1) continue;
        for (std::size_t i = 0; i < n; ++i) {
          input_state[u * n + i] += static_cast<float>(std::sqrt(weight)) * m[to + i];
          input_force[u * n + i] += static_cast<float>(std::sqrt(weight)) * c[to + i];
        }
      }
    }
    // Mean squares: the variance about the measured means, unbiased, and the squares of the means in use. Mean squares
    // as measured would not belong to the means of a function of h, and the matrix would not be positive.
    const double* squares = squares_.data() + (std::size_t{window} * images_ + p) * n;
    for (std::size_t i = 0; i < n; ++i) {
      double raw = 0, used = 0;
      for (std::uint32_t s = 0; s < stretches_; ++s) {
        const auto steps = static_cast<double>(count * (s + 1) / stretches_ - count * s / stretches_);
        if (steps == 0) continue;
        const double mean = states_[((std::size_t{window} * images_ + p) * stretches_ + s) * n + i] / (shots * steps);
        const double function = mean_states[(std::size_t{p} * stretches_ + s) * n + i];
        raw += steps / static_cast<double>(count) * mean * mean;
        used += steps / static_cast<double>(count) * function * function;
      }
      const double scatter = squares[i] / (shots * static_cast<double>(count)) - raw;
      diagonal[i] += share * (fields.empty() ? raw + scatter : used + scatter * shots / (shots - 1));
    }
    input_input[0] += static_cast<float>(share);
    if (labels > 0) {
      const std::size_t u = 1 + label_of[p];
      for (const std::size_t at : {u, u * inputs, u * inputs + u}) input_input[at] += static_cast<float>(share);
    }
  }
  const auto stride = static_cast<std::ptrdiff_t>(n);
  const MatrixView m_view{m.data(), stride, 1}, c_view{c.data(), stride, 1};
  // C is the rows' products and a diagonal: with few rows it is applied as such, else as one matrix.
  const bool few = 2 * rows < n;
  std::vector<float> rest(n);
  if (few) {
    for (std::size_t i = 0; i < n; ++i) {
      double squares = 0;
      for (std::size_t k = 0; k < rows; ++k) squares += static_cast<double>(m[k * n + i]) * static_cast<double>(m[k * n + i]);
      rest[i] = static_cast<float>(diagonal[i] - squares);
    }
  } else {
    second.resize(n * n);
    matrix_product(n, n, rows, m_view.transposed(), m_view, second.data(), n, false, &team);
    for (std::size_t i = 0; i < n; ++i) second[i * n + i] = static_cast<float>(diagonal[i]);
  }
  matrix_product(n, n, rows, c_view.transposed(), m_view, cross.data(), n, false, &team);

  const auto make = [&] { return Vector{std::vector<float>(v * h), std::vector<float>(h * h), std::vector<float>(inputs * n)}; };
  // From products R = E[r x^T] and E[r u^T] to the gradient: R + R^T where there are couplings.
  const auto project = [&](const float* vh, const float* hv, const float* hh, std::size_t ld, Vector& out) {
    for (std::size_t i = 0; i < v; ++i) {
      for (std::size_t a = 0; a < h; ++a) out.vh[i * h + a] = vh[i * ld + a] + hv[a * ld + i];
    }
    for (std::size_t a = 0; a < h; ++a) {
      for (std::size_t b = 0; b < h; ++b) out.hh[a * h + b] = a == b ? 0.0f : hh[a * ld + b] + hh[b * ld + a];
    }
    if (!visible_biases) std::fill_n(out.inputs.begin(), v, 0.0f);
  };

  std::vector<float> product(n * n), along(few ? n * rows : 0);
  const auto ld_h = static_cast<std::ptrdiff_t>(h);
  const auto apply = [&](const Vector& x, Vector& out) {
    const MatrixView j_vh{x.vh.data(), ld_h, 1}, j_hh{x.hh.data(), ld_h, 1};
    const MatrixView w{x.inputs.data(), 1, stride};  // cells x inputs
    float *vh = product.data() + v, *hv = product.data() + v * n, *hh = product.data() + v * n + v;
    // R = J E[x x^T] + W E[u x^T], blocks vh, hv, hh.
    if (few) {
      const auto ld = static_cast<std::ptrdiff_t>(rows);
      const MatrixView m_v{m.data(), stride, 1}, m_h{m.data() + v, stride, 1};
      const MatrixView along_v{along.data(), ld, 1}, along_h{along.data() + v * rows, ld, 1};
      matrix_product(v, rows, h, j_vh, m_h.transposed(), along.data(), rows, false, &team);
      matrix_product(h, rows, v, j_vh.transposed(), m_v.transposed(), along.data() + v * rows, rows, false, &team);
      matrix_product(h, rows, h, j_hh, m_h.transposed(), along.data() + v * rows, rows, true, &team);
      for (std::size_t i = 0; i < v; ++i) {
        for (std::size_t a = 0; a < h; ++a) {
          vh[i * n + a] = x.vh[i * h + a] * rest[v + a];
          hv[a * n + i] = x.vh[i * h + a] * rest[i];
        }
      }
      for (std::size_t a = 0; a < h; ++a) {
        for (std::size_t b = 0; b < h; ++b) hh[a * n + b] = x.hh[a * h + b] * rest[v + b];
      }
      matrix_product(v, h, rows, along_v, m_h, vh, n, true, &team);
      matrix_product(h, v, rows, along_h, m_v, hv, n, true, &team);
      matrix_product(h, h, rows, along_h, m_h, hh, n, true, &team);
    } else {
      const MatrixView s_hh{second.data() + v * n + v, stride, 1}, s_hv{second.data() + v * n, stride, 1},
          s_vv{second.data(), stride, 1}, s_vh{second.data() + v, stride, 1};
      matrix_product(v, h, h, j_vh, s_hh, vh, n, false, &team);
      matrix_product(h, v, v, j_vh.transposed(), s_vv, hv, n, false, &team);
      matrix_product(h, v, h, j_hh, s_hv, hv, n, true, &team);
      matrix_product(h, h, v, j_vh.transposed(), s_vh, hh, n, false, &team);
      matrix_product(h, h, h, j_hh, s_hh, hh, n, true, &team);
    }
    const MatrixView ux{input_state.data(), stride, 1};
    matrix_product(v, h, inputs, w, {input_state.data() + v, stride, 1}, vh, n, true, &team);
    matrix_product(h, v, inputs, {x.inputs.data() + v, 1, stride}, ux, hv, n, true, &team);
    matrix_product(h, h, inputs, {x.inputs.data() + v, 1, stride}, {input_state.data() + v, stride, 1}, hh, n, true, &team);
    // E[r u^T], inputs x cells: E[u x^T] J + E[u u^T] W^T.
    matrix_product(inputs, v, h, {input_state.data() + v, stride, 1}, j_vh.transposed(), out.inputs.data(), n, false, &team);
    matrix_product(inputs, h, v, ux, j_vh, out.inputs.data() + v, n, false, &team);
    matrix_product(inputs, h, h, {input_state.data() + v, stride, 1}, j_hh, out.inputs.data() + v, n, true, &team);
    matrix_product(inputs, n, inputs, {input_input.data(), static_cast<std::ptrdiff_t>(inputs), 1},
                   {x.inputs.data(), stride, 1}, out.inputs.data(), n, true, &team);
    project(vh, hv, hh, n, out);
  };
  const auto precondition = [&](const Vector& x, Vector& out) {
    for (std::size_t i = 0; i < v; ++i) {
      for (std::size_t a = 0; a < h; ++a) {
        out.vh[i * h + a] = x.vh[i * h + a] / static_cast<float>(diagonal[i] + diagonal[v + a]);
      }
    }
    for (std::size_t a = 0; a < h; ++a) {
      for (std::size_t b = 0; b < h; ++b) {
        out.hh[a * h + b] = x.hh[a * h + b] / static_cast<float>(diagonal[v + a] + diagonal[v + b]);
      }
    }
    for (std::size_t u = 0; u < inputs; ++u) {
      const float size = std::max(input_input[u * inputs + u], 1e-9f);
      for (std::size_t i = 0; i < n; ++i) out.inputs[u * n + i] = x.inputs[u * n + i] / size;
    }
  };

  // Minimise: gradient at x is apply(x) + (B + B^T); r = minus it.
  Vector x = make(), r = make(), z = make(), p = make(), ap = make();
  std::copy(input_force.begin(), input_force.end(), r.inputs.begin());
  project(cross.data() + v, cross.data() + v * n, cross.data() + v * n + v, n, r);
  for (int part = 0; part < 3; ++part) {
    for (float& value : *r.parts(part)) value = -value;
  }
  precondition(r, z);
  p = z;
  double rz = dot(r, z);
  const double target = kReduction * kReduction * rz;
  Optimum optimum;
  while (optimum.iterations < kMostSteps && rz > target && rz > 0) {
    apply(p, ap);
    const double alpha = rz / dot(p, ap);
    combine(x, alpha, p);
    combine(r, -alpha, ap);
    precondition(r, z);
    const double next = dot(r, z);
    combine(p, next / rz, z, true);
    rz = next;
    ++optimum.iterations;
  }
  optimum.theta = Trainable(visible_, hidden_);
  optimum.theta.visible_hidden = std::move(x.vh);
  optimum.theta.hidden_hidden = std::move(x.hh);
  optimum.theta.bias.assign(x.inputs.begin() + static_cast<std::ptrdiff_t>(v), x.inputs.begin() + static_cast<std::ptrdiff_t>(n));
  if (visible_biases) optimum.theta.visible_bias.assign(x.inputs.begin(), x.inputs.begin() + static_cast<std::ptrdiff_t>(v));
  optimum.label_weights.assign(x.inputs.begin() + static_cast<std::ptrdiff_t>(n), x.inputs.end());
  return optimum;
}

}  // namespace heatbath::trainers
