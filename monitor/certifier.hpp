#pragma once
// Certificates of what a monitor sees, made beside the loop.

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "heatbath/job.hpp"
#include "monitor/scene.hpp"

namespace heatbath::monitor {

/// Gathers a record of each frame and certifies each full window of them in a thread of its own, so that the loop does
/// not wait. Kinds and sizes that have no certificate say why.
class Certifier {
 public:
  static constexpr std::uint32_t records = 64;     ///< of a window
  static constexpr std::size_t most_values = 1u << 21;

  Certifier(const Scene& scene, CellKind kind, std::uint32_t shots);
  ~Certifier();
  Certifier(const Certifier&) = delete;

  /// Parameters changed: what was gathered is of no use.
  void restart();
  /// The last record of a capture of all cells, at these parameters.
  void take(const Capture& capture, double kT, double gain, double field);
  /// The newest certificate as JSON: an object, {"why": …} where there is none.
  std::string json() const;

 private:
  struct Work {
    std::vector<float> states;  // shots x records x cells
    double kT = 0, gain = 0, field = 0;
  };
  const Scene& scene_;
  CellKind kind_;
  std::uint32_t shots_;
  std::string why_not_;
  Work gathering_;
  std::uint32_t gathered_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable has_work_;
  Work work_;
  bool waiting_ = false, ending_ = false;
  std::string json_ = R"({"why": "gathering samples"})";
  std::thread thread_;

  void serve();
  std::string certify(const Work& work) const;
};

}  // namespace heatbath::monitor
