import { fork } from 'node:child_process'
import { connect } from 'node:net'
import Fastify from 'fastify'
import verifier from '../src/verifier/index.js'
import { credential, newSid, startIssuer } from '../test/support/verifier/issuer.js'

/**
 * What the verifier costs. One Fastify process serves the same route open and guarded, in alternating rounds, to
 * requests with a thousand different tokens. Prints requests per second and their ratio. The requests are pipelined over
 * raw sockets, so that the server is the bottleneck.
 */
const rounds = Number(process.argv[2] ?? 4)
const secondsEach = 2
const connections = 8
const pipelined = 16
const tokenCount = 1000
const body = '{"hello":"world"}'

type Route = '/open' | '/guarded'

async function serve(issuer: string, audience: string): Promise<void> {
  const app = Fastify()
  await app.register(verifier, { issuer, audience, feed: { credential }, stale: 'deny' })
  app.get('/open', async () => ({ hello: 'world' }))
  app.get('/guarded', { preHandler: app.latchkey.authenticate }, async () => ({ hello: 'world' }))
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  process.send?.(Number(new URL(address).port))
  process.on('disconnect', () => process.exit())
}

/** The number of requests answered 200 before `until`, on one connection. */
function load(port: number, route: Route, tokens: readonly string[], until: number): Promise<number> {
  const request = (token: string) => `GET ${route} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let next = Math.floor(Math.random() * tokens.length)
    let answered = 0
    let awaited = 0
    const sendBatch = () => {
      const batch = Array.from({ length: pipelined }, () => request(tokens[next++ % tokens.length] ?? ''))
      awaited = pipelined
      socket.write(batch.join(''))
    }
    let text = ''
    socket.setEncoding('latin1').on('data', (more: string) => {
      const bodies = (text + more).split(body)
      text = bodies.pop() ?? ''
      if (bodies.some((head) => !head.startsWith('HTTP/1.1 200 '))) return reject(new Error(bodies.join(body)))
      if (text.length > 10_000) return reject(new Error(text))
      answered += bodies.length
      awaited -= bodies.length
      if (awaited > 0) return
      if (Date.now() < until) return sendBatch()
      socket.destroy()
      resolve(answered)
    })
    socket.once('connect', sendBatch).once('error', reject)
  })
}

async function round(port: number, route: Route, tokens: readonly string[]): Promise<number> {
  const until = Date.now() + secondsEach * 1000
  const counts = await Promise.all(Array.from({ length: connections }, () => load(port, route, tokens, until)))
  return counts.reduce((sum, count) => sum + count, 0) / secondsEach
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}

async function measure(): Promise<void> {
  const endings: (() => unknown)[] = []
  const issuer = await startIssuer({ teardown: (end) => void endings.push(end) })
  for (let i = 0; i < 1000; i++) issuer.revoke({ sid: newSid() })
  const heartbeat = setInterval(() => issuer.sendText(': nothing new\n\n'), 1000)
  const server = fork(new URL(import.meta.url), ['serve', issuer.url, issuer.audience])
  try {
    const port = await new Promise<number>((resolve, reject) => {
      server.once('message', (message) => resolve(Number(message)))
      server.once('exit', (code) => reject(new Error(`The server ended with ${code}.`)))
    })
    const tokens = Array.from({ length: tokenCount }, () => issuer.token())
    for (const route of ['/guarded', '/open'] as const) await round(port, route, tokens)
    const ratios: number[] = []
    for (let i = 0; i < rounds; i++) {
      const open = await round(port, '/open', tokens)
      const guarded = await round(port, '/guarded', tokens)
      ratios.push(guarded / open)
      console.log(`open ${open.toFixed(0)}/s, guarded ${guarded.toFixed(0)}/s, ratio ${(guarded / open).toFixed(3)}`)
    }
    console.log(
      `A guarded route serves ${median(ratios).toFixed(3)} times the requests of an open route (median of ${rounds}).`
    )
  } finally {
    clearInterval(heartbeat)
    server.kill()
    for (const end of endings) await end()
  }
}

const [, , role, issuer = '', audience = ''] = process.argv
await (role === 'serve' ? serve(issuer, audience) : measure())
