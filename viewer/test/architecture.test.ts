import { describe, expect, it } from "vitest";

/** What each folder may import besides itself; "" holds the modules that every folder with elements may use. */
const MAY_IMPORT: Record<string, string[]> = {
  "": [],
  data: [],
  state: ["data"],
  space: ["", "data", "state"],
  panels: ["", "data", "state"],
  ui: ["", "data", "state", "space", "panels"],
};

/** The one folder that may import a package. */
const PACKAGES: Record<string, string> = {
  zarrita: "data",
  three: "space",
  "d3-contour": "space",
  "@observablehq/plot": "panels",
};

const texts = import.meta.glob<string>("../src/**/*.ts", { query: "?raw", import: "default", eager: true });

const folderOf = (module: string) => module.slice(0, Math.max(0, module.lastIndexOf("/")));

/** Modules by their path below src, with the modules and the packages that they import. */
const modules = new Map(
  Object.entries(texts).map(([file, text]) => {
    const module = file.slice("../src/".length, -".ts".length);
    const names = [...text.matchAll(/^(?:import|\} from)\b[^;]*?"([^"]+)";$/gm)].map(([, name]) => name);
    const local = names.filter((name) => name.startsWith(".") && !/\.(css|json)/.test(name));
    return [
      module,
      {
        modules: local.map((name) => new URL(name, `file:///${module}`).pathname.slice(1)),
        packages: names.filter((name) => !name.startsWith(".")),
      },
    ];
  }),
);

describe("imports", () => {
  it("run one way between the folders", () => {
    const wrong = [...modules].flatMap(([module, imports]) =>
      imports.modules
        .filter((other) => folderOf(other) !== folderOf(module))
        .filter((other) => !MAY_IMPORT[folderOf(module)].includes(folderOf(other)))
        .map((other) => `${module} imports ${other}`),
    );
    expect(wrong).toEqual([]);
    expect(modules.size).toBeGreaterThan(50);
    expect(modules.get("ui/viewer")?.modules).toContain("space/stage");
  });

  it("lead to modules that exist, without cycles", () => {
    const unknown = [...modules.values()].flatMap((imports) =>
      imports.modules.filter((name) => !modules.has(name)),
    );
    expect(unknown).toEqual([]);
    const cycle = (module: string, path: string[]): string[] =>
      path.includes(module)
        ? [[...path, module].join(" -> ")]
        : (modules.get(module)?.modules ?? []).flatMap((other) => cycle(other, [...path, module]));
    expect([...modules.keys()].flatMap((module) => cycle(module, []))).toEqual([]);
  });

  it("of a package are in one folder", () => {
    const used = [...modules].flatMap(([module, { packages }]) =>
      packages.map((name) => `${name} in ${folderOf(module)}`),
    );
    expect(new Set(used)).toEqual(
      new Set(Object.entries(PACKAGES).map(([name, folder]) => `${name} in ${folder}`)),
    );
  });
});
