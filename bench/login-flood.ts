import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { Agent } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import jwt from '@fastify/jwt'
import bcrypt from 'bcrypt'
import Fastify from 'fastify'
import { addressOf, at, bcryptCost, must, person, printMachine, send, withLatchkey } from './service.js'

/**
 * What a flood of logins does to other users. Sends `GET /me` and `POST /refresh`, each 10 times a second, before and
 * while 64 connections send wrong passwords without a pause. Measures Latchkey with limits (a flood from one address),
 * Latchkey without limits (like a flood from many addresses against many accounts), and a plain Fastify app with bcrypt
 * and all data in memory. Latency counts from the moment when a request was due. Uses the PostgreSQL server of
 * TEST_DATABASE_URL, or else the embedded database.
 *
 *   node scripts/compile.js && node build/bench/login-flood.js
 */
const secondsEach = Number(process.argv[2] ?? 15)
const connections = 64
const perSecond = 10
const sessionCount = 50

interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
}

/** The simplest app for comparison: users and sessions in a Map, bcrypt without limits. */
async function servePlain(): Promise<void> {
  const app = Fastify()
  await app.register(jwt, { secret: randomUUID() + randomUUID() })
  const users = new Map<string, string>()
  const sessions = new Map<string, string>()
  const issue = (email: string) => {
    const refreshToken = randomUUID()
    sessions.set(refreshToken, email)
    return { access_token: app.jwt.sign({ sub: email }, { expiresIn: '10m' }), refresh_token: refreshToken }
  }
  type Credentials = { Body: { email: string; password: string } }
  app.post<Credentials>('/register', async ({ body }) => {
    users.set(body.email, await bcrypt.hash(body.password, Number(bcryptCost)))
    return issue(body.email)
  })
  app.post<Credentials>('/login', async ({ body }, reply) => {
    const hash = users.get(body.email)
    if (hash === undefined || !(await bcrypt.compare(body.password, hash))) return reply.code(401).send({})
    return issue(body.email)
  })
  app.post<{ Body: { refresh_token: string } }>('/refresh', async ({ body }, reply) => {
    const email = sessions.get(body.refresh_token)
    if (email === undefined) return reply.code(401).send({})
    sessions.delete(body.refresh_token)
    return issue(email)
  })
  app.get('/me', { preHandler: async (incoming) => void (await incoming.jwtVerify()) }, async ({ user }) => user)
  console.log(`Latchkey listens at ${await app.listen({ port: 0, host: '127.0.0.1' })}`)
}

/** Sends wrong passwords on all connections without a pause. On a message, reports the count of each response and exits. */
function flood(url: string, email: string): void {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const counts: Record<string, number> = {}
  const loop = async (): Promise<never> => {
    for (;;) {
      const address = email === '' ? `${randomUUID()}@example.test` : email
      const payload = { email: address, password: 'a wrong password' }
      const outcome = await send(agent, `${url}/login`, 'POST', payload).then(
        ({ status }) => String(status),
        () => 'no response'
      )
      counts[outcome] = (counts[outcome] ?? 0) + 1
    }
  }
  for (let i = 0; i < connections; i++) void loop()
  process.on('message', () => {
    process.send?.(counts)
    process.disconnect()
    process.exit()
  })
}

/** Calls `once` at a fixed rate, without waiting for earlier calls, and returns the sorted latencies. */
async function pace(once: (turn: number) => Promise<void>): Promise<readonly number[]> {
  const startedAt = performance.now()
  const pending: Promise<void>[] = []
  const times: number[] = []
  for (let turn = 0; turn < perSecond * secondsEach; turn++) {
    const dueAt = startedAt + (turn * 1000) / perSecond
    await delay(Math.max(0, dueAt - performance.now()))
    pending.push(once(turn).then(() => void times.push(performance.now() - dueAt)))
  }
  await Promise.all(pending)
  return times.sort((a, b) => a - b)
}

async function measure(name: string, child: ChildProcess, floodedEmail: string): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  process.once('exit', () => child.kill('SIGKILL'))
  try {
    const url = await addressOf(child)
    await send(agent, `${url}/register`, 'POST', person)
    const sessions: Promise<Tokens>[] = []
    for (let i = 0; i < sessionCount; i++) {
      const tokens: Tokens = JSON.parse(must(await send(agent, `${url}/login`, 'POST', person)))
      sessions.push(Promise.resolve(tokens))
    }
    const accessToken = (await sessions[0])?.access_token
    const me = async () => void must(await send(agent, `${url}/me`, 'GET', undefined, accessToken))
    // Like a client, a session sends one refresh at a time.
    const refresh = async (turn: number) => {
      const before = sessions[turn % sessionCount]
      const next = (async (): Promise<Tokens> => {
        const payload = { refresh_token: (await before)?.refresh_token }
        return JSON.parse(must(await send(agent, `${url}/refresh`, 'POST', payload)))
      })()
      sessions[turn % sessionCount] = next
      await next
    }
    const both = () => Promise.all([pace(me), pace(refresh)])

    const before = await both()
    const attacker = fork(new URL(import.meta.url), ['flood', url, floodedEmail])
    await delay(2000)
    const during = await both()
    const counts = new Promise<Record<string, number>>((resolve) =>
      attacker.once('message', (message) => resolve(message as Record<string, number>))
    )
    attacker.send('stop')
    const rates = Object.entries(await counts).map(
      ([status, count]) => `${status}: ${(count / (secondsEach + 2)).toFixed(0)}/s`
    )
    console.log(`\n${name}; the flood was answered ${rates.join(', ') || 'never'}`)
    for (const [i, route] of ['GET /me', 'POST /refresh'].entries()) {
      const [quiet = [], flooded = []] = [before[i], during[i]]
      console.log(
        `  ${route.padEnd(14)} before p50 ${at(quiet, 0.5)} p99 ${at(quiet, 0.99)} ms, during p50 ${at(flooded, 0.5)} p99 ${at(flooded, 0.99)} ms`
      )
    }
  } finally {
    agent.destroy()
    child.kill('SIGTERM')
  }
}

/** With a grace so short that every refresh here rotates. */
const measureLatchkey = (name: string, settings: Record<string, string>) =>
  withLatchkey({ REFRESH_GRACE_SECONDS: '1', ...settings }, (child) => measure(name, child, ''))

const [, , role, url = '', email = ''] = process.argv
if (role === 'plain') await servePlain()
else if (role === 'flood') flood(url, email)
else {
  printMachine()
  await measureLatchkey('Latchkey, flooded from one address', {})
  await measureLatchkey('Latchkey without limits', { RATE_LIMIT_ENABLED: 'false' })
  const plain = fork(new URL(import.meta.url), ['plain'], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  await measure('Plain Fastify with bcrypt, all in memory', plain, person.email)
}
