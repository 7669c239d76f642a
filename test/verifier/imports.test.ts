import t from 'tap'
import { loadedBy } from '../support/imports.js'

t.test('the verifier loads no package, and of the service only modules of the core', async (t) => {
  const { modules, packages } = await loadedBy('verifier/index.js', 'ever')
  t.strictSame(packages, [])
  const others = modules.filter((name) => !name.startsWith('verifier/'))
  t.strictSame(others, [
    'core/access-claims.js',
    'core/bearer.js',
    'core/deep-frozen.js',
    'core/in-turns.js',
    'core/issuer-addresses.js',
    'core/nearest-name.js',
    'core/problems.js',
    'core/recently-used.js',
    'core/request-auth.js',
    'core/reserved-claims.js',
    'core/revocation-set.js',
    'core/scopes.js',
    'core/signed-in-watches.js',
    'core/vocabulary.js',
    'core/watch-index.js'
  ])
})

t.test('the same search finds the packages of the service', async (t) => {
  const { packages } = await loadedBy('index.js', 'ever')
  t.ok(['fastify-plugin', '@prisma/client'].some((name) => packages.some((found) => found.startsWith(name))))
})
