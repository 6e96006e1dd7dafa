import { availableParallelism, totalmem } from "node:os";
import { describe, expect, it } from "vitest";
import { containerLimits } from "./container-limits.ts";
import { thisMachine } from "./this-machine.ts";

const GIB = 2 ** 30;
const NO_LIMIT_V1 = "9223372036854771712\n";

const limits = (files: Readonly<Record<string, string>>) => containerLimits((path) => files[path]);

const V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
const V1 = `24 18 0:22 / /sys rw - sysfs sysfs rw
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`;
const V1_GROUPS = "8:pids:/\n4:memory:/docker/1f\n1:cpu,cpuacct:/docker/1f\n0::/\n";

describe("control groups of version 2", () => {
  it("limit by memory.max and cpu.max", () => {
    expect(
      limits({
        "/proc/self/mountinfo": V2,
        "/proc/self/cgroup": "0::/\n",
        "/sys/fs/cgroup/memory.max": `${GIB}\n`,
        "/sys/fs/cgroup/cpu.max": "250000 100000\n",
      }),
    ).toEqual({ memoryBytes: GIB, cores: 3 });
  });

  it("limit by the tightest of all groups above", () => {
    expect(
      limits({
        "/proc/self/mountinfo": V2,
        "/proc/self/cgroup": "0::/jobs.slice/run.scope\n",
        "/sys/fs/cgroup/jobs.slice/memory.max": `${GIB}\n`,
        "/sys/fs/cgroup/jobs.slice/cpu.max": "50000 100000\n",
        "/sys/fs/cgroup/jobs.slice/run.scope/memory.max": `${2 * GIB}\n`,
        "/sys/fs/cgroup/jobs.slice/run.scope/cpu.max": "max 100000\n",
      }),
    ).toEqual({ memoryBytes: GIB, cores: 1 });
  });

  it("do not limit by max", () => {
    expect(
      limits({
        "/proc/self/mountinfo": V2,
        "/proc/self/cgroup": "0::/\n",
        "/sys/fs/cgroup/memory.max": "max\n",
        "/sys/fs/cgroup/cpu.max": "max 100000\n",
      }),
    ).toEqual({ memoryBytes: undefined, cores: undefined });
  });
});

describe("control groups of version 1", () => {
  it("limit each by its own tree", () => {
    expect(
      limits({
        "/proc/self/mountinfo": V1,
        "/proc/self/cgroup": V1_GROUPS,
        "/sys/fs/cgroup/memory/memory.limit_in_bytes": NO_LIMIT_V1,
        "/sys/fs/cgroup/memory/docker/1f/memory.limit_in_bytes": `${3 * GIB}\n`,
        "/sys/fs/cgroup/cpu,cpuacct/docker/1f/cpu.cfs_quota_us": "150000\n",
        "/sys/fs/cgroup/cpu,cpuacct/docker/1f/cpu.cfs_period_us": "100000\n",
      }),
    ).toEqual({ memoryBytes: 3 * GIB, cores: 2 });
  });

  it("show a container its own group as the root of the mount", () => {
    expect(
      limits({
        "/proc/self/mountinfo": V1.replaceAll(" / /sys/fs/cgroup/", " /docker/1f /sys/fs/cgroup/"),
        "/proc/self/cgroup": V1_GROUPS,
        "/sys/fs/cgroup/memory/memory.limit_in_bytes": `${GIB}\n`,
        "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
        "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
      }),
    ).toEqual({ memoryBytes: GIB, cores: undefined });
  });

  it("do not limit by the largest number there is", () => {
    expect(
      limits({
        "/proc/self/mountinfo": V1,
        "/proc/self/cgroup": V1_GROUPS,
        "/sys/fs/cgroup/memory/docker/1f/memory.limit_in_bytes": NO_LIMIT_V1,
      }),
    ).toEqual({ memoryBytes: undefined, cores: undefined });
  });
});

it("are none where there are no such files, or they hold something else", () => {
  expect(limits({})).toEqual({ memoryBytes: undefined, cores: undefined });
  expect(
    limits({
      "/proc/self/mountinfo": `${V2}broken\n`,
      "/proc/self/cgroup": "nonsense\n0::/\n",
      "/sys/fs/cgroup/memory.max": "",
      "/sys/fs/cgroup/cpu.max": "0 0",
    }),
  ).toEqual({ memoryBytes: undefined, cores: undefined });
});

describe("this machine", () => {
  it("has no more than its own memory and processors", () => {
    expect(thisMachine.memoryBytes()).toBeGreaterThan(0);
    expect(thisMachine.memoryBytes()).toBeLessThanOrEqual(totalmem());
    expect(thisMachine.cores()).toBeGreaterThanOrEqual(1);
    expect(thisMachine.cores()).toBeLessThanOrEqual(availableParallelism());
  });

  it("goes by the tightest limit, of its container or its own", () => {
    const real = containerLimits();
    expect(thisMachine.memoryBytes(() => ({ memoryBytes: 2 ** 20, cores: 1 }))).toBe(2 ** 20);
    expect(thisMachine.cores(() => ({ memoryBytes: undefined, cores: 1 }))).toBe(1);
    expect(thisMachine.cores(() => ({ memoryBytes: undefined, cores: 100_000 }))).toBe(
      availableParallelism(),
    );
    expect(thisMachine.memoryBytes()).toBeLessThanOrEqual(real.memoryBytes ?? Number.POSITIVE_INFINITY);
  });
});
