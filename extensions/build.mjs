/**
 * Builds what the Python package ships, with esbuild alone:
 *
 *   ../workbench/lab/static/widget.js, widget.css   the notebook widget, a module for anywidget
 *   ../workbench/lab/labextension/                  the prebuilt JupyterLab extension
 *
 * `node build.mjs --check` compares with the files that are there instead of writing them;
 * `node build.mjs --watch` writes again after every change.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const root = dirname(fileURLToPath(import.meta.url));
const target = join(root, '..', 'workbench', 'lab');
const manifest = JSON.parse(fs.readFileSync(join(root, 'package.json'), 'utf8'));
const SOURCES = ['src', 'style'];

/** Digest of all that a bundle is made of: our sources, and the exact versions of the rest. */
function digest() {
  const settings = ['build.mjs', 'package.json', 'package-lock.json'];
  const files = [...settings, ...SOURCES.flatMap(listFiles)];
  const hash = createHash('sha256');
  for (const file of files.sort()) {
    hash.update(`${file}\n`).update(fs.readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

function listFiles(folder) {
  return fs.readdirSync(join(root, folder)).flatMap(name => {
    const path = `${folder}/${name}`;
    return fs.statSync(join(root, path)).isDirectory() ? listFiles(path) : [path];
  });
}

/** The text of one bundle. Its first line holds the digest, which a Python test compares. */
async function bundle(options) {
  const comment = `/* sources ${digest()} */`;
  const result = await esbuild.build({
    bundle: true,
    minify: true,
    target: 'es2021',
    write: false,
    legalComments: 'none',
    logLevel: 'warning',
    banner: { js: comment, css: comment },
    absWorkingDir: root,
    ...options
  });
  return result.outputFiles[0].text;
}

/** A style sheet that a script imports is a text: the sheet with all that it imports itself. */
const styles = {
  name: 'styles',
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      return { contents: await bundle({ entryPoints: [path] }), loader: 'text' };
    });
  }
};

/** Packages that JupyterLab shares with its extensions; a bundle must not bring its own. */
const SHARED = /^@(jupyterlab|lumino)\//;

async function buildLabExtension() {
  const names = new Set();
  const shared = {
    name: 'shared',
    setup(build) {
      build.onResolve({ filter: SHARED }, ({ path }) => {
        names.add(path);
        return { path, namespace: 'shared' };
      });
      build.onLoad({ filter: /.*/, namespace: 'shared' }, ({ path }) => {
        return { contents: `module.exports = shared[${JSON.stringify(path)}]`, loader: 'js' };
      });
    }
  };
  const options = { entryPoints: ['src/lab/index.ts'], format: 'cjs', plugins: [shared, styles] };
  const code = await bundle(options);
  return wrapAsContainer(manifest.name, [...names].sort(), code);
}

/**
 * Wraps a bundle as the module-federation container that JupyterLab loads.
 *
 * Usually webpack makes one, with some hundred packages. JupyterLab asks little of it: `init` gets
 * the scope of shared packages, `get` returns the module. Of the versions in the scope it takes one
 * that is loaded already, else the highest.
 */
function wrapAsContainer(name, packages, code) {
  return `(() => {
  let scope;
  const load = name => {
    const versions = scope[name];
    if (!versions) throw new Error('JupyterLab shares no ' + name);
    const order = (a, b) =>
      !!versions[b].loaded - !!versions[a].loaded ||
      b.localeCompare(a, undefined, { numeric: true });
    return versions[Object.keys(versions).sort(order)[0]].get();
  };
  (window._JUPYTERLAB = window._JUPYTERLAB || {})[${JSON.stringify(name)}] = {
    init: sharedScope => Promise.resolve((scope = sharedScope)),
    get: async () => {
      const names = ${JSON.stringify(packages)};
      const factories = await Promise.all(names.map(load));
      const shared = Object.fromEntries(names.map((name, i) => [name, factories[i]()]));
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

/** Tells JupyterLab's extension manager how the extension was installed. */
const INSTALL = {
  packageManager: 'python',
  packageName: 'autoresearch-workbench',
  uninstallInstructions: 'pip uninstall autoresearch-workbench'
};

/** @param load path of the container, below the extension's folder. */
function describeLabExtension(load) {
  const { name, version, description, license, jupyterlab } = manifest;
  const build = { ...jupyterlab._build, load };
  return { name, version, description, license, jupyterlab: { ...jupyterlab, _build: build } };
}

/** Path below `target` to content, for everything that is shipped. */
async function buildAll() {
  // Browsers keep these files for a year, as JupyterLab's server tells them to: a file with other
  // content needs another name.
  const container = `static/remoteEntry.${digest().slice(0, 16)}.js`;
  return {
    'static/widget.js': await bundle({ entryPoints: ['src/widget.ts'], format: 'esm' }),
    'static/widget.css': await bundle({ entryPoints: ['style/index.css'] }),
    [`labextension/${container}`]: await buildLabExtension(),
    'labextension/package.json': toJson(describeLabExtension(container)),
    'labextension/install.json': toJson(INSTALL)
  };
}

function toJson(value) {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Containers of former builds, whose names are other ones. */
function listLeftovers(outputs) {
  const folder = 'labextension/static';
  if (!fs.existsSync(join(target, folder))) return [];
  const paths = fs.readdirSync(join(target, folder)).map(name => `${folder}/${name}`);
  return paths.filter(path => !(path in outputs));
}

async function write() {
  const outputs = await buildAll();
  for (const path of listLeftovers(outputs)) fs.unlinkSync(join(target, path));
  for (const [path, content] of Object.entries(outputs)) {
    fs.mkdirSync(dirname(join(target, path)), { recursive: true });
    fs.writeFileSync(join(target, path), content);
    console.log(`${path}  ${(content.length / 1000).toFixed(1)} kB`);
  }
}

async function check() {
  const outputs = await buildAll();
  const changed = Object.keys(outputs).filter(path => readOutput(path) !== outputs[path]);
  const stale = [...changed, ...listLeftovers(outputs)];
  for (const path of stale) {
    console.error(`${path} differs from what its sources give; run: npm run build`);
  }
  process.exitCode = stale.length ? 1 : 0;
}

/** Null where there is no such file. */
function readOutput(path) {
  const file = join(target, path);
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : null;
}

function watch() {
  let timer;
  const writeSoon = () => {
    clearTimeout(timer); // an editor's save is often several events
    timer = setTimeout(() => write().catch(error => console.error(error.message)), 100);
  };
  for (const folder of SOURCES) fs.watch(join(root, folder), { recursive: true }, writeSoon);
}

if (process.argv.includes('--check')) await check();
else await write();
if (process.argv.includes('--watch')) watch();
