// How many cores this process may keep busy.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace embedserve {

// The smaller of the affinity mask and the control group's quota rounded up; at least 1. Read anew
// at each call.
int UsableCores();

// The CPU quota in cores that binds a process whose /proc/self/cgroup reads `membership`, under
// the control-group file system mounted at `mount`: the smallest of the group's own and its
// ancestors' (version 2's cpu.max, version 1's cpu.cfs_quota_us). None if nothing binds.
std::optional<double> CpuQuota(const std::filesystem::path& mount, std::string_view membership);

}  // namespace embedserve
