#pragma once
// Servers that signals stop.

#include "heatbath/server.hpp"

namespace heatbath::apps {

/// SIGINT, SIGTERM and SIGHUP (unless it is ignored, as nohup wants it) stop the server while this lives; it goes before
/// the server does, whatever ends it. One at a time.
class StoppedBySignals {
 public:
  explicit StoppedBySignals(Server& server);
  ~StoppedBySignals();
  StoppedBySignals(const StoppedBySignals&) = delete;
};

}  // namespace heatbath::apps
