/** Builds page.js and widget.js into the Python package, with the licences of what is bundled. */

import { readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const target = resolve(here, "../src/patternscope/atlas/static");
const stub = join(here, "src/data/codec_stub.ts");
const bundled = new Set();

/** Collects the packages whose code is in a bundle. */
const collectPackages = {
  name: "collect-packages",
  generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle))
      for (const id of chunk.type === "chunk" ? chunk.moduleIds : []) {
        const match = id.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//);
        if (match) bundled.add(match[1]);
      }
  },
};

for (const [name, format] of [
  ["page", "iife"],
  ["widget", "es"],
])
  await build({
    root: here,
    configFile: false,
    logLevel: "warn",
    plugins: [collectPackages],
    resolve: {
      alias: ["blosc", "zstd", "lz4"].map((codec) => ({ find: `numcodecs/${codec}`, replacement: stub })),
    },
    define: { "process.env.NODE_ENV": '"production"' },
    build: {
      target: "es2022",
      outDir: target,
      emptyOutDir: false,
      lib: {
        entry: join(here, `src/ui/${name}.ts`),
        formats: [format],
        name: "patternscopePage",
        fileName: () => `${name}.js`,
      },
      rolldownOptions: { output: { codeSplitting: false } },
      minify: true,
    },
  });

const parts = [];
for (const name of [...bundled].sort()) {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`${name}: expected a licence file, found none in its package`);
  parts.push(`${name} ${version} (${license})\n\n${(await readFile(join(folder, file), "utf8")).trim()}\n`);
}
const head = "page.js and widget.js contain code of the packages below, under their licences.\n";
await writeFile(join(target, "THIRD_PARTY.txt"), [head, ...parts].join(`\n${"-".repeat(72)}\n\n`));
