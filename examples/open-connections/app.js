import { readFile } from 'node:fs/promises'
import { build } from 'esbuild'
import Fastify from 'fastify'
import latchkey from 'latchkey'
import { addConnections } from './connections.js'

/** The app with the plugin. Its page holds connections to this app, and to the one at `service`. */
export async function buildApp({ base, dataDir, service, serviceCredentials }) {
  const app = Fastify()
  const issuer = `${base}/auth`
  await app.register(latchkey, { prefix: '/auth', issuer, dataDir, serviceCredentials, cookieSecure: false })
  await addConnections(app)

  const html = (await readFile(`${import.meta.dirname}/index.html`, 'utf8')).replace('SERVICE', service)
  const entry = { entryPoints: [`${import.meta.dirname}/page.js`], bundle: true, format: 'esm', write: false }
  const [{ text: script }] = (await build(entry)).outputFiles
  app.get('/', async (_request, reply) => reply.type('text/html').send(html))
  app.get('/page.js', async (_request, reply) => reply.type('text/javascript').send(script))
  return app
}
