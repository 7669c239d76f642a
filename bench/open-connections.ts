import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createVerifier } from '../src/verifier/index.js'
import { openTestDatabase, serverUrl } from '../test/support/database.js'
import { quantile } from '../test/support/faults/fan-out.js'
import { instanceSettings, issuer, serviceCredential } from '../test/support/faults/fleet-settings.js'
import { openStreamingHost } from '../test/support/plugin/streaming-host.js'
import { type Answer, Device } from '../test/support/processes/device.js'
import { openStreams, possibleConnections } from '../test/support/processes/open-streams.js'
import { freshDatabase, startService } from '../test/support/processes/process.js'

/**
 * Open connections. First, how long after the request for a logout the connections of that session have closed in other
 * processes: a stream at another instance on the PostgreSQL server of TEST_DATABASE_URL, and a watch of a verifier that
 * follows that instance; by LISTEN/NOTIFY, and by Redis if TEST_REDIS_URL is set. Then, what 10,000 open streams take, and
 * how long all of them take to close.
 *
 *   node scripts/compile.js && node build/bench/open-connections.js [sessions]
 */
const sessions = Number(process.argv[2] ?? 200)
const perSecond = 10
const redisUrl = process.env.TEST_REDIS_URL
const hostEntry = fileURLToPath(new URL('../test/support/processes/host-with-events.js', import.meta.url))

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

type Teardown = { teardown(end: () => unknown): void }

async function withTeardown(run: (t: Teardown) => Promise<void>): Promise<void> {
  const endings: (() => unknown)[] = []
  try {
    await run({ teardown: (end) => void endings.unshift(end) })
  } finally {
    for (const end of endings) await end()
  }
}

async function measureEnds(name: string, feed: Record<string, string>): Promise<void> {
  await withTeardown(async (t) => {
    const settings = { ...(await freshDatabase(t, 'server')), ...instanceSettings, ...feed }
    const [host, service] = await Promise.all([
      startService(t, settings, { entry: hostEntry }),
      startService(t, settings)
    ])
    const verifier = createVerifier({
      issuer,
      audience: issuer,
      jwksUrl: `${host.url}/.well-known/jwks.json`,
      feed: { url: `${host.url}/revocations`, credential: serviceCredential }
    })
    t.teardown(() => verifier.close())

    const logouts: number[] = []
    const streams: number[] = []
    const watches: number[] = []
    async function endOne(device: Device, person: number): Promise<void> {
      await untilServed(() => device.signIn('/register', `person-${person}@example.com`), 201)
      const headers = { authorization: `Bearer ${device.accessToken}` }
      const response = await fetch(`${host.url}/events`, { headers })
      const watchEnd = new Promise<number>((resolve) => {
        verifier.whileSignedIn(device.accessToken, { onEnd: () => resolve(performance.now()) })
      })
      const streamEnd = response.text().then(() => performance.now())
      // Another session's failure ends the host, and with it this stream.
      streamEnd.catch(() => undefined)
      const askedAt = await untilServed(() => device.send('POST', '/logout'), 204)
      logouts.push(performance.now() - askedAt)
      streams.push((await withinHalfAMinute(streamEnd, 'The stream')) - askedAt)
      watches.push((await withinHalfAMinute(watchEnd, 'The watch')) - askedAt)
    }
    const all: Promise<void>[] = []
    for (let person = 0; person < sessions; person += 1) {
      all.push(endOne(new Device(service.url), person))
      await delay(1000 / perSecond)
    }
    await Promise.all(all)
    console.log(`${name}, ${sessions} sessions, ${perSecond} a second
  from the logout's request to its response ${spread(logouts)}
  … until a stream at the other instance has closed ${spread(streams)}
  … until a verifier that follows that instance has called onEnd ${spread(watches)}`)
  })
}

async function withinHalfAMinute(end: Promise<number>, what: string): Promise<number> {
  const late = delay(30_000, undefined, { ref: false }).then(() => {
    throw new Error(`${what} did not end within half a minute.`)
  })
  return Promise.race([end, late])
}

/** Repeats the request while the service is overloaded. Returns when the last one was sent. */
async function untilServed(ask: () => Promise<Answer>, expected: number): Promise<number> {
  for (;;) {
    const askedAt = performance.now()
    const { status, body } = await ask()
    if (status === expected) return askedAt
    if (status !== 503) throw new Error(`Answered ${status}: ${JSON.stringify(body)}`)
    await delay(1000)
  }
}

function spread(times: number[]): string {
  const sorted = times.sort((a, b) => a - b)
  const [p50, p99, longest] = [0.5, 0.99, 1].map((share) => quantile(sorted, share).toFixed(0))
  return `p50 ${p50} ms, p99 ${p99} ms, longest ${longest} ms`
}

async function measureMemory(): Promise<void> {
  await withTeardown(async (t) => {
    const host = await openStreamingHost(t, await openTestDatabase(t, { kind: 'embedded' }))
    const count = possibleConnections(10_000)
    const tokens = await host.tokens(count)
    const connections = promisify(host.app.server.getConnections.bind(host.app.server))
    /** Opens all streams, and says what each takes. */
    const open = async (path: string) => {
      const before = await memory()
      const streams = await openStreams(t, { port: host.port, path, tokens })
      const after = await memory()
      const each = (what: 'heapUsed' | 'rss') => `${((after[what] - before[what]) / count / 1024).toFixed(1)} KiB`
      return { streams, taken: `heap ${each('heapUsed')}, RSS ${each('rss')}` }
    }
    const close = async ({ streams }: Awaited<ReturnType<typeof open>>) => {
      await streams.close()
      while ((await connections()) > 0) await delay(100)
    }
    // The first streams leave things in memory that stay, such as remembered tokens. So they are not measured.
    const first = await open('/unwatched')
    await close(first)
    const unwatched = await open('/unwatched')
    await close(unwatched)
    const watched = await open('/events')
    const from = performance.now()
    const cpuBefore = process.cpuUsage()
    const taken = () => {
      const { user, system } = process.cpuUsage(cpuBefore)
      return `${(performance.now() - from).toFixed(0)} ms (${((user + system) / 1000).toFixed(0)} ms of CPU)`
    }
    await host.app.latchkey.sessions.endEverybodysSessions()
    while (host.ends.some((reasons) => reasons.length === 0)) await delay(1)
    const called = taken()
    await watched.streams.ended
    console.log(`${count} open streams of as many sessions
  each of the first: ${first.taken}; again, without whileSignedIn: ${unwatched.taken}; with it: ${watched.taken}
  the end of everybody's sessions: onEnd was called for all after ${called}, and all had closed after ${taken()}`)
  })
}

async function memory(): Promise<NodeJS.MemoryUsage> {
  // What a request leaves behind is free a moment later.
  await delay(1000)
  collect()
  return process.memoryUsage()
}

if (serverUrl !== undefined) {
  await measureEnds('LISTEN/NOTIFY', {})
  if (redisUrl !== undefined) await measureEnds('Redis', { REDIS_URL: redisUrl })
}
await measureMemory()
