#pragma once
// Energies of spins, bits, states, phases and positions, as the files of other tools and TOML give them.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "heatbath/network/network.hpp"

namespace heatbath::apps {

/// What is wanted of a file's numbers.
enum class ProblemKind : std::uint8_t {
  max_cut,  ///< the sides of a cut are the spins; value: the weight cut, as large as possible
  ising,    ///< value: E(s) = sum J s s + sum h s, as small as possible
  qubo,     ///< value: E(x) = sum Q x x of bits, as small as possible
  max_sat,  ///< value: the weight of the clauses that are not met, as small as possible
  potts,    ///< of cells with q states; from here on value: the energy
  phase,    ///< of phases
  quartic,  ///< of positions, x^4 among its terms
  gaussian  ///< x'Ax/2 - b'x of positions
};
std::string_view name_of(ProblemKind kind);
/// Throws Error(BAD_ARG) "<what> = <name>: …" that lists the names.
ProblemKind problem_kind_named(std::string_view name, std::string_view what);

/// Whether the cells are spins, up and down.
bool of_spins(ProblemKind kind);

struct Problem {
  network::Network network{CellKind::pbit, 1};
  ProblemKind kind = ProblemKind::ising;
  std::string format;            ///< "rudy", "MatrixMarket", "edge list", "COO", "dimod JSON", "qbsolv", "DIMACS", "TOML", "array"
  std::uint32_t variables = 0;   ///< cells of the problem itself, the first ones; the others are helpers
  std::vector<std::string> notes;  ///< what a reader did that must be known, a line each

  /// Value of a state, as `kind` says; larger is better for max_cut alone.
  double value(std::span<const float> state) const;
  bool larger_is_better() const { return kind == ProblemKind::max_cut; }
  /// The energy of the network below which a value is at least as good as this.
  double energy_of(double value) const { return larger_is_better() ? -value : value; }

  struct Clause {
    double weight;
    std::vector<std::int32_t> literals;  ///< as in the file: 1-based, negative where negated
  };
  std::vector<Clause> clauses;  ///< of max_sat
};

/// Reads a file, told by its ending and its contents:
/// - rudy (a line "n m", then "i j w", counted from 1): max_cut;
/// - .mtx MatrixMarket and edge lists ("i j [w]", counted from 0): as `wanted` says, which must then be given. A matrix
///   as qubo is x'Qx, general or symmetric; else each pair counts once. The diagonal is q_i of bits, and a constant of
///   spins. As gaussian, a matrix is A, its diagonal included, and symmetric; as phase, J cos(th_i - th_j) of each pair. A
///   pair that comes twice is refused;
/// - .npy, .npz: a matrix, as gaussian;
/// - .coo: dimod's "i j value" from 0, i = j being linear, entries of one pair added; ising or qubo as its line
///   "# vartype=SPIN" or BINARY says, else as wanted;
/// - .json: a dimod BinaryQuadraticModel without bytes; its own vartype; entries of one pair are added; labels are
///   numbered in their order;
/// - .qubo of qbsolv ("p qubo 0 n diagonals couplers"); entries of one pair are added;
/// - .cnf, .wcnf of DIMACS ("p cnf n m", "p wcnf n m [top]"): max_sat. Clauses of three literals get a helper cell each,
///   longer ones are cut into such;
/// - .toml with one table [ising] (spins, couplings = [[i, j, J]], fields, constant: E = -sum J s s - sum h s, as
///   Network::ising), [qubo] (bits, entries = [[i, j, Q]]), [max-cut] (cells, edges = [[i, j, w]]), [potts] (cells,
///   states, couplings, fields = a list per cell, constant: as Network::potts), [quartic] and [phase] (cells, and j2, j4,
///   bias, couplings as [network] of a program has them, constant), or [gaussian] (precision = rows or { file }, linear:
///   x'Ax/2 - b'x, constant).
/// Blank lines, comments, CR LF and a byte-order mark are skipped. At most 2^24 cells; memory is bounded by the size of
/// the file and that. Throws Error(IO) for a file that cannot be read, Error(BAD_ARG) in one line: file, line, what was
/// found and what belongs there.
Problem read_problem(const std::filesystem::path& file, std::optional<ProblemKind> wanted = std::nullopt);

}  // namespace heatbath::apps
