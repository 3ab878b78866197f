/**
 * Builds what the Python package ships, with esbuild alone:
 *
 *   ../workbench/lab/static/widget.js, widget.css            the notebook widget (an ES module, as anywidget loads it)
 *   ../workbench/lab/labextension/                           the prebuilt JupyterLab extension
 *
 * JupyterLab loads an extension as a module-federation container. Ours is made by hand (`container`): the packages that JupyterLab
 * shares come from the scope that it hands to `init`, everything else is bundled. `node build.mjs --check` compares instead of writing.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, '..', 'workbench', 'lab');
const manifest = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));

/** Digest of all that a bundle is made of: our sources, and the exact versions of the rest. */
export function digest() {
  const files = ['build.mjs', 'package.json', 'package-lock.json', ...walk('src'), ...walk('style')];
  const hash = createHash('sha256');
  for (const file of files.sort()) hash.update(`${file}\n`).update(readFileSync(join(here, file)));
  return hash.digest('hex');
}

function walk(folder) {
  return readdirSync(join(here, folder)).flatMap(name => {
    const path = `${folder}/${name}`;
    return statSync(join(here, path)).isDirectory() ? walk(path) : [path];
  });
}

/** Names of the shared packages that the extension's source imports. */
const SHARED = /^@(jupyterlab|lumino)\//;

async function bundle(options) {
  const banner = { js: `/* sources ${digest()} */`, css: `/* sources ${digest()} */` };
  const result = await esbuild.build({
    bundle: true, minify: true, target: 'es2021', write: false, legalComments: 'none', logLevel: 'warning', banner, absWorkingDir: here, ...options
  });
  return result.outputFiles[0].text;
}

/** A style sheet imported by a script is a text: the sheet with all that it imports. */
const styles = {
  name: 'styles',
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => ({ contents: await bundle({ entryPoints: [path] }), loader: 'text' }));
  }
};

async function labextension() {
  const names = new Set();
  const shared = {
    name: 'shared',
    setup(build) {
      build.onResolve({ filter: SHARED }, ({ path }) => (names.add(path), { path, namespace: 'shared' }));
      build.onLoad({ filter: /.*/, namespace: 'shared' }, ({ path }) => ({ contents: `module.exports = shared[${JSON.stringify(path)}]`, loader: 'js' }));
    }
  };
  const code = await bundle({ entryPoints: ['src/lab/index.ts'], format: 'cjs', plugins: [shared, styles] });
  return container(manifest.name, [...names].sort(), code);
}

/** A module-federation container: of the versions in the scope, one that is loaded already, else the highest. */
function container(name, names, code) {
  return `(() => {
  let scope;
  const pick = name => {
    const versions = scope[name];
    if (!versions) throw new Error('JupyterLab shares no ' + name);
    const order = (a, b) => !!versions[b].loaded - !!versions[a].loaded || b.localeCompare(a, undefined, { numeric: true });
    return versions[Object.keys(versions).sort(order)[0]].get();
  };
  (window._JUPYTERLAB = window._JUPYTERLAB || {})[${JSON.stringify(name)}] = {
    init: given => Promise.resolve((scope = given)),
    get: async () => {
      const names = ${JSON.stringify(names)};
      const made = await Promise.all(names.map(pick));
      const shared = Object.fromEntries(names.map((name, i) => [name, made[i]()]));
      const module = { exports: {} };
      ((module, exports, shared) => {
${code}
      })(module, module.exports, shared);
      return () => module.exports;
    }
  };
})();
`;
}

/** Tells JupyterLab's extension manager how this came here. */
const INSTALLED = {
  packageManager: 'python',
  packageName: 'autoresearch-workbench',
  uninstallInstructions: 'pip uninstall autoresearch-workbench'
};

/** Path below `target` to content, for everything that is shipped. */
async function outputs() {
  const { name, version, description, license, jupyterlab } = manifest;
  // JupyterLab's server has browsers keep these files for a year: another content needs another name.
  const load = `static/remoteEntry.${digest().slice(0, 16)}.js`;
  const described = { name, version, description, license, jupyterlab: { ...jupyterlab, _build: { ...jupyterlab._build, load } } };
  return {
    'static/widget.js': await bundle({ entryPoints: ['src/widget.ts'], format: 'esm' }),
    'static/widget.css': await bundle({ entryPoints: ['style/index.css'] }),
    [`labextension/${load}`]: await labextension(),
    'labextension/package.json': `${JSON.stringify(described, null, 2)}\n`,
    'labextension/install.json': `${JSON.stringify(INSTALLED, null, 2)}\n`
  };
}

/** Files of former builds. */
function leftovers(made) {
  const folder = 'labextension/static';
  const there = existsSync(join(target, folder)) ? readdirSync(join(target, folder)) : [];
  return there.map(name => `${folder}/${name}`).filter(path => !(path in made));
}

async function write() {
  const made = await outputs();
  for (const path of leftovers(made)) unlinkSync(join(target, path));
  for (const [path, content] of Object.entries(made)) {
    mkdirSync(dirname(join(target, path)), { recursive: true });
    writeFileSync(join(target, path), content);
    console.log(`${path}  ${(content.length / 1000).toFixed(1)} kB`);
  }
}

async function check() {
  const made = await outputs();
  const differs = path => !existsSync(join(target, path)) || readFileSync(join(target, path), 'utf8') !== made[path];
  const stale = [...Object.keys(made).filter(differs), ...leftovers(made)];
  for (const path of stale) console.error(`${path} is not what its sources give; run: npm run build`);
  process.exitCode = stale.length ? 1 : 0;
}

if (process.argv.includes('--check')) await check();
else await write();
if (process.argv.includes('--watch')) {
  const { watch } = await import('node:fs');
  let timer;
  for (const folder of ['src', 'style']) {
    watch(join(here, folder), { recursive: true }, () => {
      clearTimeout(timer);
      timer = setTimeout(() => write().catch(error => console.error(error.message)), 100);
    });
  }
}
