// Packs the three packages of this repository: `latchkey`, and the parts of it that need nothing else, `latchkey-client`
// and `latchkey-verifier`. `npm run pack:all` builds first. The argument is the folder for the tarballs; `packed` by
// default.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { reachableModules } from './modules.js'

const root = dirname(import.meta.dirname)
const target = resolve(process.argv[2] ?? join(root, 'packed'))
const { version, license } = readJson(root)

mkdirSync(target, { recursive: true })
pack(root)
for (const name of ['latchkey-client', 'latchkey-verifier']) {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`))
  try {
    fill(folder, join(root, 'packages', name))
    pack(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Copies the README, the licence, and the modules and types that the exports need. Writes the manifest. */
function fill(folder, source) {
  const manifest = readJson(source)
  const optionalPeers = Object.keys(manifest.peerDependencies ?? {})
  const entries = Object.values(manifest.exports).flatMap((entry) => Object.values(Object(entry)))
  const { modules, packages } = reachableModules(
    root,
    entries.filter((path) => /\.js$/.test(path))
  )
  const types = reachableModules(
    root,
    entries.filter((path) => /\.d\.ts$/.test(path))
  )
  const missing = [...packages, ...types.packages.filter((name) => !optionalPeers.includes(name))]
  if (missing.length > 0)
    throw new Error(`${manifest.name} must have no dependencies, but imports ${missing.join(', ')}`)

  for (const module of [...modules, ...types.modules]) cpSync(join(root, module), join(folder, module))
  cpSync(join(source, 'README.md'), join(folder, 'README.md'))
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  const { name, description, ...rest } = manifest
  writeJson(folder, { name, version, description, license, ...rest })
}

/** Without scripts: `prepare` would build again. */
function pack(folder) {
  const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', target]
  const { status, stdout } = spawnSync('npm', args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit']
  })
  if (status !== 0) process.exit(status ?? 1)
  console.log(relative(process.cwd(), join(target, stdout.trim())))
}

function readJson(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

function writeJson(folder, content) {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(content, null, 2)}\n`)
}
