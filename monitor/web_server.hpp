#pragma once
// The page of a monitor over HTTP.

#include <memory>
#include <string>

#include "monitor/window.hpp"

namespace heatbath::monitor {

/// Serves the page and what it asks of a window, in threads of its own, to browsers on this computer:
///   GET /                page; /monitor.css, /monitor.js
///   GET /about           what does not change (Window::about)
///   GET /frames          server-sent events, a frame each, at most most_viewers at a time
///   GET /frame           the newest frame
///   GET /registers       Window::registers
///   GET /program.toml, /states.csv
///   GET /picture?name=   a PNG that a frame named
///   POST /knobs          a Request as JSON, with the header X-Heatbath: 1; 400 and one line where it is wrong
/// A request whose Host is not a loopback name is refused, so that no page from elsewhere reads or turns anything.
class WebServer {
 public:
  static constexpr int most_viewers = 16;

  /// Binds "127.0.0.1:PORT", "localhost:PORT" or "[::1]:PORT"; port 0: any free one. Throws Error(BAD_ARG) for anything
  /// else, Error(IO) where the port is taken, Error(UNSUPPORTED) where this build has no HTTP library. The window must outlive it.
  WebServer(Window& window, const std::string& listen);
  ~WebServer();

  /// "http://127.0.0.1:8080/".
  const std::string& url() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace heatbath::monitor
