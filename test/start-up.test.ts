import t from 'tap'
import { loadedBy } from './support/imports.js'

t.test('a start loads the packages of a feature only if the settings ask for it', async (t) => {
  const optional = ['@electric-sql/pglite', '@fastify/swagger', '@fastify/swagger-ui', 'ioredis', 'nodemailer']
  const only = (packages: readonly string[]) => packages.filter((name) => optional.includes(name))
  t.strictSame(only((await loadedBy('index.js', 'ever')).packages), optional)
  t.strictSame(only((await loadedBy('index.js', 'atStart')).packages), [])
})
