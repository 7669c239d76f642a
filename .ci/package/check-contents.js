// Looks into each tarball of the folder PACKED.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const { PACKED } = process.env
const tarballs = readdirSync(PACKED)
assert.deepEqual(
  tarballs.map((name) => name.replace(/-\d.*/, '')),
  ['latchkey', 'latchkey-client', 'latchkey-verifier']
)
for (const tarball of tarballs) {
  const tar = (...args) => execFileSync('tar', args, { cwd: PACKED, encoding: 'utf8', maxBuffer: 2 ** 26 })
  const files = tar('-tzf', tarball)
    .split('\n')
    .map((path) => path.replace('package/', './'))
  const has = (path) => assert.ok(files.includes(path), `${tarball} lacks ${path}`)
  for (const path of ['./package.json', './README.md', './LICENSE']) has(path)
  assert.deepEqual(
    files.filter((path) => path.endsWith('.map')),
    [],
    'source maps without sources'
  )
  const manifest = JSON.parse(tar('-xzOf', tarball, 'package/package.json'))
  assert.equal(manifest.scripts, undefined, 'npm would ask hosts to allow them')
  for (const [name, entry] of Object.entries(manifest.exports)) {
    for (const path of typeof entry === 'string' ? [entry] : Object.values(entry)) has(path)
    const older = name === '.' ? manifest.types : manifest.typesVersions?.['*'][name.slice(2)]?.[0]
    if (typeof entry !== 'string') assert.equal(join(older), join(entry.types), `${name} for moduleResolution node10`)
  }
  if (manifest.name === 'latchkey') {
    for (const path of ['./docs/plugin.md', './docs/errors.md', './dist/embedded-template.tar.br']) has(path)
    for (const page of ['account.html', 'account.js', 'console.html', 'console.js', 'style.css', 'icon.svg']) {
      has(`./dist/pages/${page}`)
    }
  } else {
    assert.equal(manifest.dependencies, undefined)
    for (const peer of Object.keys(manifest.peerDependencies)) assert.ok(manifest.peerDependenciesMeta[peer].optional)
  }
  console.log(`${tarball}: ${files.length - 1} files`)
}
