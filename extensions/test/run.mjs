/**
 * Bundles every `*.test.ts` below this folder, and runs the bundles with Node's own test runner.
 *
 * Arguments name the tests to run, as in `npm test -- review/decide client`.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const root = dirname(fileURLToPath(import.meta.url));
const SUFFIX = '.test.ts';

/** Stack traces name lines of the bundles, which are mapped back to the sources. */
async function bundle(names, folder) {
  await esbuild.build({
    entryPoints: names.map(name => join(root, name + SUFFIX)),
    outdir: folder,
    outbase: root,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    sourcemap: 'inline',
    logLevel: 'warning'
  });
  return names.map(name => join(folder, `${name}.test.mjs`));
}

/** Names of the tests in a folder and below, as `review/decide`. */
function listTests(folder = '') {
  return fs.readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return listTests(path);
    return path.endsWith(SUFFIX) ? [path.slice(0, -SUFFIX.length)] : [];
  });
}

const names = process.argv.length > 2 ? process.argv.slice(2) : listTests();
const folder = fs.mkdtempSync(join(tmpdir(), 'autoresearch-test-'));
try {
  const files = await bundle(names, folder);
  const options = ['--enable-source-maps', '--test', '--test-reporter=spec', ...files];
  process.exitCode = spawnSync(process.execPath, options, { stdio: 'inherit' }).status ?? 1;
} finally {
  fs.rmSync(folder, { recursive: true });
}
