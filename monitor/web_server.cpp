#include "monitor/web_server.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <string_view>
#include <thread>

#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "monitor/page.hpp"

namespace heatbath::monitor {

namespace {

struct Address {
  std::string host;
  std::uint16_t port = 0;
};

Address address_of(const std::string& listen) {
  const std::size_t colon = listen.rfind(':');
  const std::string host = listen.substr(0, colon);
  const auto port = colon == std::string::npos ? std::nullopt : numerics::parse_number<std::uint16_t>(std::string_view(listen).substr(colon + 1));
  if (!port || (host != "127.0.0.1" && host != "localhost" && host != "[::1]"))
    throw Error(HB_BAD_ARG, "--listen " + numerics::quoted(listen) +
                                ": needs 127.0.0.1:PORT, localhost:PORT or [::1]:PORT; from elsewhere the page is reached by ssh -L");
  return {host == "[::1]" ? "::1" : host, *port};
}

bool is_here(std::string_view host) {
  const std::size_t colon = host.ends_with(']') ? std::string_view::npos : host.rfind(':');
  const std::string_view name = host.substr(0, colon);
  return name == "127.0.0.1" || name == "localhost" || name == "[::1]";
}

/// A request of JSON; throws Error(BAD_ARG) that names the key.
Request request_of(const std::string& body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) throw Error(HB_BAD_ARG, "needs a JSON object");
  Request request;
  const auto number = [](const char* key, const nlohmann::json& value) {
    if (!value.is_number()) throw Error(HB_BAD_ARG, std::string(key) + ": needs a number");
    return value.get<double>();
  };
  const auto cell = [](const char* key, const nlohmann::json& value) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > 0xFFFFFFFFu) throw Error(HB_BAD_ARG, std::string(key) + ": needs the number of a cell");
    return value.get<std::uint32_t>();
  };
  for (const auto& [key, value] : json.items()) {
    if (key == "kT") request.kT = number("kT", value);
    else if (key == "gain") request.gain = number("gain", value);
    else if (key == "field") request.field = number("field", value);
    else if (key == "period") request.period_time_units = number("period", value);
    else if (key == "histogram") request.histogram_cell = cell("histogram", value);
    else if (key == "steps") request.steps = cell("steps", value);
    else if (key == "running") {
      if (!value.is_boolean()) throw Error(HB_BAD_ARG, "running: needs true or false");
      request.running = value.get<bool>();
    } else if (key == "cells") {
      if (!value.is_array()) throw Error(HB_BAD_ARG, "cells: needs a list of cells");
      request.scope_cells.emplace();
      for (const auto& each : value) request.scope_cells->push_back(cell("cells", each));
    } else {
      throw Error(HB_BAD_ARG, numerics::quoted(key) + ": unknown; the keys are kT, gain, field, period, histogram, cells, running, steps");
    }
  }
  return request;
}

}  // namespace

struct WebServer::Impl {
  explicit Impl(Window& of) : window(of) {}

  Window& window;
  httplib::Server server;
  std::string url;
  std::atomic<int> viewers{0};
  std::atomic<bool> ending{false};
  std::thread thread;

  void add_pages() {
    const auto text = [this](const char* path, const char* kind, std::string_view content) {
      server.Get(path, [kind, content](const httplib::Request&, httplib::Response& response) {
        response.set_header("Cache-Control", "no-cache");
        response.set_content(content.data(), content.size(), kind);
      });
    };
    text("/", "text/html; charset=utf-8", page::html());
    text("/monitor.css", "text/css; charset=utf-8", page::style());
    text("/monitor.js", "text/javascript; charset=utf-8", page::script());
    text("/icon.svg", "image/svg+xml", page::icon());
  }

  void add_data() {
    server.Get("/about", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(window.about(), "application/json");
    });
    server.Get("/registers", [this](const httplib::Request&, httplib::Response& response) {
      const std::string registers = window.registers(std::chrono::seconds(5));
      if (registers.empty()) response.status = 503;
      else response.set_content(registers, "application/json");
    });
    server.Get("/frame", [this](const httplib::Request&, httplib::Response& response) {
      window.add_viewers(1);
      // A frame of now: an older one that no viewer followed may be of long ago.
      Window::Numbered newest = window.newer(0, std::chrono::milliseconds(0));
      if (const auto next = window.newer(newest.number, std::chrono::milliseconds(newest.frame ? 300 : 5000)); next.frame) newest = next;
      window.add_viewers(-1);
      if (!newest.frame) response.status = 503;
      else response.set_content(*newest.frame, "application/json");
    });
    server.Get("/states.csv", [this](const httplib::Request&, httplib::Response& response) { response.set_content(window.states(), "text/csv"); });
    server.Get("/picture", [this](const httplib::Request& asked, httplib::Response& response) {
      const std::string picture = window.picture(asked.get_param_value("name"));
      if (picture.empty()) response.status = 404;
      else response.set_content(picture, "image/png");
    });
    server.Get("/program.toml", [this](const httplib::Request&, httplib::Response& response) {
      answer(response, [&] { response.set_content(window.program(), "application/toml"); });
    });
    server.Get("/frames", [this](const httplib::Request&, httplib::Response& response) { stream(response); });
    server.Post("/knobs", [this](const httplib::Request& asked, httplib::Response& response) {
      if (asked.get_header_value("X-Heatbath") != "1") {
        response.status = 403;
        response.set_content("the header X-Heatbath: 1 is missing\n", "text/plain");
        return;
      }
      answer(response, [&] {
        window.ask(request_of(asked.body));
        response.set_content("{}", "application/json");
      });
    });
  }

  template <typename Work>
  static void answer(httplib::Response& response, const Work& work) {
    try {
      work();
    } catch (const Error& error) {
      response.status = 400;
      response.set_content(std::string(error.what()) + "\n", "text/plain; charset=utf-8");
    }
  }

  /// Frames as they come; one that a slow viewer has not taken is left out, so nothing piles up.
  void stream(httplib::Response& response) {
    if (viewers.fetch_add(1) >= most_viewers) {
      viewers.fetch_sub(1);
      response.status = 503;
      response.set_content(fmt::format("there are {} viewers already\n", most_viewers), "text/plain");
      return;
    }
    window.add_viewers(1);
    response.set_header("Cache-Control", "no-store");
    response.set_chunked_content_provider(
        "text/event-stream",
        [this, number = std::uint64_t{0}](std::size_t, httplib::DataSink& sink) mutable {
          if (ending) {
            sink.done();
            return false;
          }
          const Window::Numbered newest = window.newer(number, std::chrono::milliseconds(500));
          number = newest.number;
          const std::string text = newest.frame ? "data: " + *newest.frame + "\n\n" : ": waiting\n\n";
          return sink.write(text.data(), text.size());
        },
        [this](bool) {
          window.add_viewers(-1);
          viewers.fetch_sub(1);
        });
  }
};

WebServer::WebServer(Window& window, const std::string& listen) : impl_(std::make_unique<Impl>(window)) {
  const Address address = address_of(listen);
  httplib::Server& server = impl_->server;
  server.new_task_queue = [] { return new httplib::ThreadPool(most_viewers + 8); };
  server.set_payload_max_length(64 * 1024);
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1000);
  server.set_write_timeout(5, 0);
  server.set_socket_options([](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  server.set_default_headers({{"X-Content-Type-Options", "nosniff"},
                              {"Content-Security-Policy", "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'"},
                              {"Referrer-Policy", "no-referrer"}});
  server.set_pre_routing_handler([](const httplib::Request& asked, httplib::Response& response) {
    if (is_here(asked.get_header_value("Host"))) return httplib::Server::HandlerResponse::Unhandled;
    response.status = 403;
    response.set_content("this page is for this computer: ask for 127.0.0.1\n", "text/plain");
    return httplib::Server::HandlerResponse::Handled;
  });
  impl_->add_pages();
  impl_->add_data();
  int port = address.port;
  if (port == 0) port = server.bind_to_any_port(address.host);
  else if (!server.bind_to_port(address.host, port)) port = -1;
  if (port < 0) throw Error(HB_IO, fmt::format("--listen {}: the port cannot be had; 127.0.0.1:0 takes any free one", listen));
  impl_->url = fmt::format("http://{}:{}/", address.host == "::1" ? "[::1]" : address.host, port);
  impl_->thread = std::thread([&server] { server.listen_after_bind(); });
}

WebServer::~WebServer() {
  impl_->ending = true;
  impl_->server.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

const std::string& WebServer::url() const { return impl_->url; }

}  // namespace heatbath::monitor
