// Packs the three packages of this repository: `latchkey`, and the parts of it that need nothing else, `latchkey-client`
// and `latchkey-verifier`. `npm run pack:all` builds first. The argument is the folder for the tarballs; `packed` by
// default.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { reachableModules } from './modules.js'

const root = join(import.meta.dirname, '..')
const target = resolve(process.argv[2] ?? join(root, 'packed'))
const { version, license, ...manifest } = readJson(root)

// The build writes it last.
if (!existsSync(join(root, 'dist', 'embedded-template.tar.br'))) throw new Error('Nothing is built: npm run build')
mkdirSync(target, { recursive: true })
packFolder(fillWhole)
packFolder((folder) => fillPart(folder, join(root, 'packages', 'latchkey-client')))
packFolder((folder) => fillPart(folder, join(root, 'packages', 'latchkey-verifier')))

function packFolder(fill) {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-pack-'))
  try {
    fill(folder)
    console.log(relative(process.cwd(), join(target, npmPack(folder, target))))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** All that `npm pack` takes. What only a clone needs goes: npm would warn hosts of the script `prepare`. */
function fillWhole(folder) {
  const tarball = join(folder, npmPack(root, folder))
  execFileSync('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1'])
  rmSync(tarball)
  const { scripts, devDependencies, overrides, allowScripts, ...rest } = manifest
  writeJson(folder, { version, license, ...rest })
}

/** The README, the licence, and the modules and types that the exports need. */
function fillPart(folder, source) {
  const { exports, peerDependencies, ...rest } = readJson(source)
  const entries = Object.values(exports).flatMap((entry) => (typeof entry === 'object' ? Object.values(entry) : []))
  const code = reachableModules(root, entries.filter(isCode))
  const types = reachableModules(
    root,
    entries.filter((entry) => !isCode(entry))
  )
  const optional = Object.keys(peerDependencies)
  const missing = [...code.packages, ...types.packages.filter((name) => !optional.includes(name))]
  if (missing.length > 0) throw new Error(`${rest.name} must have no dependencies, but imports ${missing.join(', ')}.`)

  for (const module of [...code.modules, ...types.modules]) cpSync(join(root, module), join(folder, module))
  cpSync(join(source, 'README.md'), join(folder, 'README.md'))
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  writeJson(folder, { version, license, ...rest, exports, peerDependencies })
}

function isCode(path) {
  return !path.endsWith('.d.ts')
}

/** Without scripts: `prepare` would build again. Returns the name of the tarball. */
function npmPack(folder, destination) {
  const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', destination]
  return execFileSync('npm', args, { cwd: folder, encoding: 'utf8' }).trim()
}

function readJson(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

function writeJson(folder, content) {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(content, null, 2)}\n`)
}
