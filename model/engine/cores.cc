#include "model/engine/cores.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace embedserve {
namespace {

// Two numbers, the quota being "max" or negative where there is none.
std::optional<double> Ratio(std::istream& quota_in, std::istream& period_in) {
  double quota = 0;
  double period = 0;
  if (!(quota_in >> quota) || !(period_in >> period) || quota <= 0 || period <= 0) return {};
  return quota / period;
}

std::optional<double> QuotaOfGroup(const std::filesystem::path& group, bool version2) {
  if (version2) {
    std::ifstream both(group / "cpu.max");
    return Ratio(both, both);
  }
  std::ifstream quota(group / "cpu.cfs_quota_us");
  std::ifstream period(group / "cpu.cfs_period_us");
  return Ratio(quota, period);
}

// A container often sees its own group mounted as the root while /proc names the path outside:
// the root is always looked at, groups that do not exist give nothing.
std::optional<double> QuotaOfPath(const std::filesystem::path& root, std::string_view path,
                                  bool version2) {
  std::optional<double> least = QuotaOfGroup(root, version2);
  std::filesystem::path group = root;
  for (const std::filesystem::path& part : std::filesystem::path(path).relative_path()) {
    if (part == "..") break;  // a group outside what is mounted here
    group /= part;
    if (const auto quota = QuotaOfGroup(group, version2)) {
      least = std::min(*quota, least.value_or(*quota));
    }
  }
  return least;
}

bool HasController(std::string_view controllers, std::string_view name) {
  while (!controllers.empty()) {
    const std::size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == name) return true;
    if (comma == std::string_view::npos) break;
    controllers.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace

std::optional<double> CpuQuota(const std::filesystem::path& mount, std::string_view membership) {
  std::optional<double> least;
  while (!membership.empty()) {
    const std::size_t end = membership.find('\n');
    const std::string_view line = membership.substr(0, end);
    membership.remove_prefix(end == std::string_view::npos ? membership.size() : end + 1);
    // hierarchy-ID:controllers:path, with no controllers for version 2.
    const std::size_t first = line.find(':');
    const std::size_t second = first == line.npos ? first : line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string_view path = line.substr(second + 1);
    std::optional<double> quota;
    if (controllers.empty()) {
      quota = QuotaOfPath(mount, path, /*version2=*/true);
    } else if (HasController(controllers, "cpu")) {
      quota = QuotaOfPath(mount / "cpu", path, /*version2=*/false);
    }
    if (quota) least = std::min(*quota, least.value_or(*quota));
  }
  return least;
}

int UsableCores() {
  int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof(mask), &mask) == 0) cores = std::max(1, CPU_COUNT(&mask));
  std::ifstream file("/proc/self/cgroup");
  const std::string membership((std::istreambuf_iterator<char>(file)), {});
  if (const auto quota = CpuQuota("/sys/fs/cgroup", membership)) {
    cores = std::min(cores, std::max(1, static_cast<int>(std::ceil(*quota))));
  }
  return cores;
}

}  // namespace embedserve
