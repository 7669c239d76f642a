import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createVerifier } from '../src/verifier/index.js'
import { openTestDatabase, serverUrl } from '../test/support/database.js'
import { quantile } from '../test/support/faults/fan-out.js'
import { instanceSettings, issuer, serviceCredential } from '../test/support/faults/fleet-settings.js'
import { openStreamingHost } from '../test/support/plugin/streaming-host.js'
import { Device } from '../test/support/processes/device.js'
import { openStreams, possibleConnections } from '../test/support/processes/open-streams.js'
import { freshDatabase, startService } from '../test/support/processes/process.js'

/**
 * Open connections. First, how long after the end of a session its connections close in other processes: a stream at
 * another instance on the PostgreSQL server of TEST_DATABASE_URL, and a verifier behind that instance; by LISTEN/NOTIFY,
 * and by Redis if TEST_REDIS_URL is set. Then, what 10,000 open streams take, and how long all of them take to close.
 *
 *   node scripts/compile.js && node build/bench/open-connections.js [sessions]
 */
const sessions = Number(process.argv[2] ?? 200)
const perSecond = 20
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

    const streams: number[] = []
    const watches: number[] = []
    async function endOne(device: Device, person: number): Promise<void> {
      await device.signIn('/register', `person-${person}@example.com`)
      const headers = { authorization: `Bearer ${device.accessToken}` }
      const response = await fetch(`${host.url}/events`, { headers })
      const watchEnd = new Promise<number>((resolve) => {
        verifier.whileSignedIn(device.accessToken, { onEnd: () => resolve(performance.now()) })
      })
      const streamEnd = response.text().then(() => performance.now())
      await device.send('POST', '/logout')
      const endedAt = performance.now()
      streams.push(Math.max(0, (await streamEnd) - endedAt))
      watches.push(Math.max(0, (await watchEnd) - endedAt))
    }
    const all: Promise<void>[] = []
    for (let person = 0; person < sessions; person += 1) {
      all.push(endOne(new Device(service.url), person))
      await delay(1000 / perSecond)
    }
    await Promise.all(all)
    console.log(`${name}, ${sessions} sessions, ${perSecond} a second
  a stream at the other instance closed after ${spread(streams)}
  a verifier that follows that instance called onEnd after ${spread(watches)}`)
  })
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
    const used = async () => {
      // What a request leaves behind is free a moment later.
      await delay(500)
      collect()
      return process.memoryUsage()
    }
    const perConnection: Record<string, string> = {}
    for (const path of ['/unwatched', '/events']) {
      const before = await used()
      const streams = await openStreams(t, { port: host.port, path, tokens })
      const after = await used()
      const kibibytes = (bytes: number) => (bytes / count / 1024).toFixed(2)
      perConnection[path] =
        `heap ${kibibytes(after.heapUsed - before.heapUsed)} KiB, RSS ${kibibytes(after.rss - before.rss)} KiB`
      if (path === '/unwatched') {
        await streams.close()
        continue
      }
      const from = performance.now()
      await host.app.latchkey.sessions.endEverybodysSessions()
      while ((await host.openConnections()) > 0) await delay(5)
      const called = performance.now() - from
      await streams.ended
      console.log(
        `all called after ${called.toFixed(0)} ms, all closed after ${(performance.now() - from).toFixed(0)} ms`
      )
    }
    console.log(perConnection)
  })
}

if (serverUrl !== undefined) {
  await measureEnds('LISTEN/NOTIFY', {})
  if (redisUrl !== undefined) await measureEnds('Redis', { REDIS_URL: redisUrl })
}
await measureMemory()
