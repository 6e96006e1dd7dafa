// Which libraries do the most applications need, and how large are they? A join of two lists, and what only one of
// them has.
//
//     npx bicoastal run examples/package-join.ts
import { job, read } from "bicoastal";

export default job({
  name: "package-join",
  params: {
    packages: "examples/data/packages/packages.csv",
    dependencies: "examples/data/packages/dependencies.csv",
    top: 10,
  },
  run: ({ packages, dependencies, top }) => {
    const byName = read.csv(packages, { types: { installed_kib: "number" } }).keyBy((row) => row.name);
    const needed = read.csv(dependencies).countBy((row) => row.needs);
    return {
      mostNeeded: needed
        .join(byName)
        .filter(([, [, row]]) => row.section === "libs")
        .map(([library, [applications, row]]) => ({ library, applications, kib: row.installed_kib }))
        .top(top, (row) => row.applications),
      // Packages of sections that the list leaves out, and names that several packages provide.
      notInTheList: needed.join(byName, "anti").top(top, ([, applications]) => applications),
      neverNeeded: byName
        .filter(([, row]) => row.section === "libs")
        .join(needed, "anti")
        .count(),
    };
  },
});
