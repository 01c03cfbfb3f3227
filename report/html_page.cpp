#include "report/html_page.hpp"

#include <cmath>
#include <cstdint>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/provenance.hpp"
#include "files/utf8.hpp"

namespace heatbath::apps {

namespace {

constexpr const char* kStyle = R"(
:root{--ink:#1c2430;--soft:#5b6675;--line:#dfe4ea;--paper:#fff;--page:#f3f5f8;--accent:#1d4f91}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
  font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1060px;margin:0 auto;padding:40px 24px 64px}
h1{font-size:2rem;line-height:1.2;margin:0 0 8px}
h2{font-size:1.25rem;margin:44px 0 12px}
p{margin:0 0 12px;max-width:76ch}
.lead{color:var(--soft);font-size:1.06rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:14px;margin:28px 0 0}
.tile{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:14px 16px}
.tile b{display:block;font-size:1.55rem;line-height:1.25;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:.9rem}
.wide{overflow-x:auto;background:var(--paper);border:1px solid var(--line);border-radius:10px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:9px 14px;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td{border-bottom:0}
th{font-size:.85rem;color:var(--soft);font-weight:600}
td.name{width:40%}
td small{display:block;color:var(--soft)}
td.own{font-weight:600;color:var(--accent)}
figure{background:var(--paper);border:1px solid var(--line);border-radius:10px;margin:0 0 20px;padding:18px}
figure img{display:block;max-width:100%;height:auto;margin:0 auto}
figure img.pixels{image-rendering:pixelated}
figcaption{color:var(--soft);font-size:.93rem;margin-top:12px;max-width:86ch}
figcaption strong{display:block;color:var(--ink);font-size:1.02rem}
.beside{display:grid;grid-template-columns:repeat(auto-fit,minmax(380px,1fr));gap:14px;align-items:start;margin-top:24px}
.note{border-left:3px solid var(--accent);padding:2px 0 2px 14px;color:var(--soft)}
footer{color:var(--soft);font-size:.88rem;margin-top:44px}
code{font-size:.92em;overflow-wrap:anywhere}
@media print{body{background:#fff}figure,.wide,.tile{break-inside:avoid}}
)";

}  // namespace

std::string number(double value, int decimals, const char* unit) {
  if (!std::isfinite(value)) return "&ndash;";
  return fmt::format("{:.{}f}{}", value, decimals, unit);
}

std::string pairs(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::string html = "<div class=\"wide\"><table>\n";
  for (const auto& [name, value] : rows) {
    html += fmt::format("<tr><td class=\"name\">{}</td><td>{}</td></tr>\n", html_escape(name), html_escape(value));
  }
  return html + "</table></div>\n";
}

std::string with_error(const std::optional<measure::Estimate>& measured) {
  if (!measured || !std::isfinite(measured->value)) return "&ndash;";
  return fmt::format("{:.5g} &plusmn; {:.2g}", measured->value, measured->standard_error);
}

std::string table_head(std::initializer_list<const char*> names) {
  std::string html = "<div class=\"wide\"><table><tr>";
  for (const char* name : names) html += fmt::format("<th>{}</th>", name);
  return html + "</tr>\n";
}

std::string table_row(std::initializer_list<std::string> cells) {
  std::string html = "<tr>";
  for (const std::string& cell : cells) html += "<td>" + cell + "</td>";
  return html + "</tr>\n";
}

std::string figures(const std::vector<Picture>& pictures) {
  std::string html;
  for (const Picture& picture : pictures) {
    html += "<figure>";
    if (picture.png) {
      html += fmt::format("<img{} alt=\"{}\" src=\"data:image/png;base64,{}\">", picture.pixels ? " class=\"pixels\"" : "",
                          html_escape(picture.title), base64(*picture.png));
    }
    const std::string text = picture.png ? picture.caption : "No picture: " + picture.missing + ".";
    html += fmt::format("<figcaption><strong>{}</strong>{}</figcaption></figure>\n", html_escape(picture.title),
                        html_escape(text));
  }
  return html;
}

std::string tile(const std::string& value, const char* what) {
  return fmt::format("<div class=\"tile\"><b>{}</b><span>{}</span></div>", value, what);
}

std::string_view html_style() { return kStyle; }

std::string html_escape(std::string_view text) {
  std::string out;
  for (const char c : valid_utf8(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t' ? std::string(1, c) : "\uFFFD";
    }
  }
  return out;
}

std::string base64(const PngBytes& bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k)
      word = word << 8 | (k < have ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += k <= have ? kDigits[word >> (18 - 6 * k) & 63u] : '=';
  }
  return out;
}

std::string page_head(std::string_view title) {
  std::string html =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>";
  html += html_escape(title);
  html += "</title><style>";
  html += kStyle;
  return html + fmt::format("</style></head><body><main>\n<h1>{}</h1>\n", html_escape(title));
}

std::string page_foot(std::string_view where) {
  const nlohmann::json origin = provenance();
  return fmt::format("<footer>Made by {} on {}, compiler {}, build {}. {}</footer>\n</main></body></html>\n",
                     html_escape(version_line()), origin["date"].get<std::string>(),
                     html_escape(origin["compiler"].get<std::string>()), origin["build_type"].get<std::string>(),
                     html_escape(where));
}

}  // namespace heatbath::apps
