#include "cli/listen_address.h"

#include <optional>
#include <string>

#include "cli/exit_code.h"
#include "cli/option_value.h"
#include "fmt/format.h"

namespace embedserve {
namespace {

// Host of "HOST:PORT" and "[HOST]:PORT"; nullopt if it is neither.
std::optional<std::string_view> HostOf(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  const std::optional<int64_t> port = ParseInteger(address.substr(colon + 1));
  if (!port.has_value() || *port < 0 || *port > 65535) return std::nullopt;
  std::string_view host = address.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') return host.substr(1, host.size() - 2);
  return host.find(':') == std::string_view::npos ? std::optional(host) : std::nullopt;
}

bool IsLoopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  // 127.0.0.0/8; digits and dots only, since 127.example.org is a name.
  return host.starts_with("127.") &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

absl::Status CheckListenAddress(std::string_view address, bool insecure) {
  if (address.starts_with("unix:") || address.starts_with("unix-abstract:")) {
    return absl::OkStatus();
  }
  const std::optional<std::string_view> host = HostOf(address);
  if (!host.has_value()) {
    return UsageError(fmt::format(
        "--listen is \"{}\"; expected HOST:PORT, such as 127.0.0.1:50051 or [::1]:50051", address));
  }
  if (insecure || IsLoopback(*host)) return absl::OkStatus();
  return UsageError(fmt::format(
      "--listen is \"{}\", which others can reach, and this version has no TLS: add --insecure if "
      "what stands before it protects it, or listen on 127.0.0.1",
      address));
}

}  // namespace embedserve
