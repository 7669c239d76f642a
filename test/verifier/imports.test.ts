import { readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const source = new URL('../../src/', import.meta.url)

/** Every module and package that loading `entry` loads. */
async function loadedBy(entry: URL): Promise<{ readonly modules: string[]; readonly packages: string[] }> {
  const modules = new Set<string>()
  const packages = new Set<string>()
  const waiting = [entry]
  for (let module = waiting.pop(); module !== undefined; module = waiting.pop()) {
    const name = module.href.slice(source.href.length)
    if (modules.has(name)) continue
    modules.add(name)
    const text = await readFile(fileURLToPath(module), 'utf8')
    for (const [, from = ''] of text.matchAll(/\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)) {
      if (from.startsWith('.')) waiting.push(new URL(from, module))
      else if (!isBuiltin(from)) packages.add(from)
    }
  }
  return { modules: [...modules].sort(), packages: [...packages] }
}

t.test('the verifier loads no package, and of the service only modules of the core', async (t) => {
  const { modules, packages } = await loadedBy(new URL('verifier/index.js', source))
  t.strictSame(packages, [])
  const others = modules.filter((name) => !name.startsWith('verifier/'))
  t.strictSame(others, [
    'core/access-claims.js',
    'core/bearer.js',
    'core/issuer-addresses.js',
    'core/nearest-name.js',
    'core/problems.js',
    'core/recently-used.js',
    'core/request-auth.js',
    'core/revocation-set.js',
    'core/scopes.js'
  ])
})

t.test('the same search finds the packages of the service', async (t) => {
  const { packages } = await loadedBy(new URL('index.js', source))
  t.ok(['fastify-plugin', '@prisma/client'].some((name) => packages.some((found) => found.startsWith(name))))
})
