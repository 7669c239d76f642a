// Compiles src, test and bench into build/. Types are not checked here: `npm run types` does that.
// build/ is kept between runs, and only files whose content changed are written.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildSync } from 'esbuild'

const root = join(import.meta.dirname, '..')
const outdir = join(root, 'build')
const template = join(outdir, 'src', 'embedded-template.tar.br')
const migratedCluster = join(outdir, 'migrated-cluster')
/** npm writes this file whenever it changes a package. */
const packages = join(root, 'node_modules', '.package-lock.json')

runScript('prisma-generate.js')

const files = ['src', 'test', 'bench'].flatMap(filesIn)
const pages = join(root, 'src', 'pages')
const peers = join(root, 'bench', 'peers')
const entryPoints = files.filter(
  (file) => /(?<!\.d)\.ts$/.test(file) && !file.startsWith(pages) && !file.startsWith(peers)
)
const options = { format: 'esm', target: 'es2022', sourcemap: true, sourcesContent: false, logLevel: 'error' }
const { outputFiles } = compile({ entryPoints, outdir, outbase: root, absWorkingDir: root, write: false, ...options })
for (const { path, contents } of outputFiles) writeChanged(path, contents)
const sources = files.filter((file) => file.startsWith(join(root, 'src')))
if (isStale(join(outdir, 'src', 'pages', 'account.js'), sources)) {
  runScript('pages.js', join(outdir, 'src'))
}

// In build/ the name `tap` leads to the root test of the file that runs, because many files share a process.
const tap = join(outdir, 'node_modules', 'tap')
writeChanged(join(tap, 'package.json'), Buffer.from('{ "type": "module", "exports": "./index.js" }\n'))
writeChanged(join(tap, 'index.js'), Buffer.from("export { default } from '../../../scripts/run-tests.js'\n"))

// A deleted source file must not stay importable. Only the compiler's own files have a source map beside them.
const expected = new Set(outputFiles.map(({ path }) => path))
for (const map of ['src', 'test', 'bench'].flatMap((folder) => filesIn(join('build', folder)))) {
  if (!map.endsWith('.js.map') || expected.has(map)) continue
  rmSync(map)
  rmSync(map.slice(0, -'.map'.length), { force: true })
}

const templateSources = [packages, join(root, 'scripts', 'embedded-template.js')]
if (isStale(template, templateSources)) runScript('embedded-template.js', template)
// Tests copy this migrated database, and the first one to need it makes it.
const migrations = filesIn(join('prisma', 'migrations'))
if (isStale(migratedCluster, [template, ...migrations])) rmSync(migratedCluster, { recursive: true, force: true })

function compile(input) {
  try {
    return buildSync(input)
  } catch {
    // esbuild has printed what is wrong.
    process.exit(1)
  }
}

function filesIn(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

function writeChanged(path, contents) {
  const before = statSync(path, { throwIfNoEntry: false })
  if (before?.size === contents.length && readFileSync(path).equals(contents)) return
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, contents)
}

function isStale(target, sources) {
  const made = statSync(target, { throwIfNoEntry: false })?.mtimeMs ?? 0
  return sources.some((source) => statSync(source).mtimeMs > made)
}

function runScript(name, ...args) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', name), ...args], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
