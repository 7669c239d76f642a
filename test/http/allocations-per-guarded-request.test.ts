// Runs in a process of its own: it counts what the process allocates, and turns the optimizing compiler off.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { FastifyReply, FastifyRequest } from 'fastify'
import t from 'tap'
import { httpPlugin } from '../../src/http/plugin.js'
import { openTestDatabase } from '../support/database.js'
import { newHost, openPluginOptions, signedIn } from '../support/host.js'

// Optimized code leaves some objects out, but nobody can say after how many requests.
setFlagsFromString('--no-opt')
setFlagsFromString('--expose-gc')
const collect: (options: { type: 'minor' }) => void = runInNewContext('gc')

const app = newHost(t)
const options = await openPluginOptions(t, await openTestDatabase(t, { kind: 'embedded' }))
await app.register(httpPlugin, { ...options, prefix: '/auth' })
// A hook that does nothing, so that the difference has none of what Fastify needs for hooks.
const nothing = (_request: FastifyRequest, _reply: FastifyReply, done: () => void) => done()
app.get('/open', { preHandler: nothing }, async () => ({ hello: 'world' }))
app.get('/guarded', { preHandler: app.latchkey.authenticate }, async () => ({ hello: 'world' }))
const { accessToken } = await signedIn(app)
const headers = { authorization: `Bearer ${accessToken}` }

/** Few enough for the young part of the heap: a collection in between would hide what they allocate. */
const requests = 10

/** The bytes on the heap that a request takes until its response is complete. */
async function bytesOf(url: string): Promise<number> {
  collect({ type: 'minor' })
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < requests; i++) {
    const { statusCode } = await app.inject({ url, headers })
    if (statusCode !== 200) throw new Error(`${url}: ${statusCode}`)
  }
  return (process.memoryUsage().heapUsed - before) / requests
}

/**
 * 397 bytes on Node 20: `request.auth`, the verdict about the claims, the text of the token, its key in the cache, the
 * moment, and what the calls pass on. The rest is for other versions of V8. One copy of the claims takes 250 bytes more.
 */
const bound = 500

t.test('a guard allocates no more than it must for a token that was accepted before', async (t) => {
  // What the first requests make once: compiled functions, and the remembered token.
  for (let run = 0; run < 20; run++) for (const url of ['/open', '/guarded']) await bytesOf(url)
  const more: number[] = []
  // In turns. The median leaves out the runs into which a collection or the work of a timer fell.
  for (let run = 0; run < 41; run++) more.push((await bytesOf('/guarded')) - (await bytesOf('/open')))
  const median = more.sort((a, b) => a - b)[20] ?? Number.NaN
  t.ok(median > 100 && median <= bound, `${median} bytes`)
})
