import { Agent, request } from 'node:http'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { testFolder } from '../database.js'
import { type ProcessOptions, quickSettings, startService } from '../processes/process.js'
import { instanceSettings, issuer, serviceCredential } from './fleet-settings.js'
import { startRelay } from './relay.js'

/** A guard's answer to an access token. */
export type Judgement = 'accepted' | 'refused' | 'unavailable'

/** A service that must refuse the access tokens of ended sessions. */
export interface Guard {
  readonly name: 'A' | 'B' | 'a verifier beside A' | 'a verifier beside B'
  /** Whether its notices of revocations come through a relay that `cut` breaks. */
  readonly canBeCut: boolean
  judge(accessToken: string): Promise<Judgement>
}

/**
 * Two instances on one PostgreSQL server, and two services with a verifier, each in its own process. Relays that can be
 * cut lie between B and the database, between B and Redis, and between the second verifier and its issuer.
 */
export interface Fleet {
  readonly instances: readonly [a: string, b: string]
  readonly guards: readonly Guard[]
  cut(): void
  restore(): void
}

export interface FleetOptions {
  /** The server itself, if `databaseUrl` leads to a connection pooler. */
  readonly directUrl?: string
  readonly redisUrl?: string | undefined
  readonly feedStale?: 'allow' | 'deny'
  /** How long a signing key is published before it signs; by default the service's own value. */
  readonly keyLeadSeconds?: number
}

const processEntry = (file: string): ProcessOptions => ({
  entry: fileURLToPath(new URL(`../processes/${file}`, import.meta.url))
})

/** Starts a fleet on the empty database or schema of `databaseUrl`. It stops when `t` ends. */
export async function startFleet(
  t: Pick<Test, 'teardown'>,
  databaseUrl: string,
  options: FleetOptions = {}
): Promise<Fleet> {
  const { directUrl, redisUrl, feedStale = 'allow', keyLeadSeconds } = options
  const instance = keyLeadSeconds === undefined ? {} : processEntry('serve-with-key-timing.js')
  const settings = {
    ...quickSettings,
    ...instanceSettings,
    DATA_DIR: await testFolder(t),
    FEED_STALE: feedStale,
    ...(directUrl !== undefined && { DATABASE_DIRECT_URL: directUrl }),
    ...(keyLeadSeconds !== undefined && { KEY_LEAD_SECONDS: String(keyLeadSeconds) })
  }
  const databaseRelay = await startRelay(t, databaseUrl)
  const redisRelay = redisUrl === undefined ? undefined : await startRelay(t, redisUrl)
  const redisOf = (url: string | undefined) => (url === undefined ? {} : { REDIS_URL: url })
  const [a, b] = await Promise.all([
    startService(t, { ...settings, ...redisOf(redisUrl), DATABASE_URL: databaseUrl }, instance),
    startService(t, { ...settings, ...redisOf(redisRelay?.url), DATABASE_URL: databaseRelay.url }, instance)
  ])

  const issuerRelay = await startRelay(t, b.url)
  const verifierAt = (address: string) =>
    startService(
      t,
      { ISSUER: issuer, ISSUER_ADDRESS: address.replace(/\/$/, ''), FEED_STALE: feedStale },
      processEntry('verifier-service.js')
    )
  const [besideA, besideB] = await Promise.all([verifierAt(a.url), verifierAt(issuerRelay.url)])

  const relays = [databaseRelay, issuerRelay, ...(redisRelay === undefined ? [] : [redisRelay])]
  return {
    instances: [a.url, b.url],
    guards: [
      { name: 'A', canBeCut: false, judge: introspection(t, a.url) },
      { name: 'B', canBeCut: true, judge: introspection(t, b.url) },
      { name: 'a verifier beside A', canBeCut: false, judge: guardedRoute(t, besideA.url) },
      { name: 'a verifier beside B', canBeCut: true, judge: guardedRoute(t, besideB.url) }
    ],
    cut() {
      for (const relay of relays) relay.cut()
    },
    restore() {
      for (const relay of relays) relay.restore()
    }
  }
}

/** Asks an instance by introspection, which checks a token as every route does, without the database. */
function introspection(t: Pick<Test, 'teardown'>, url: string): Guard['judge'] {
  const send = sender(t, `${url}/introspect`, 'POST')
  const { id, secret } = serviceCredential
  const headers = {
    authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
    'content-type': 'application/x-www-form-urlencoded'
  }
  return async (accessToken) => {
    const { status, body } = await send(headers, `token=${accessToken}`)
    if (status === 503) return 'unavailable'
    if (status !== 200) throw new Error(`Introspection answered ${status}: ${body}`)
    return JSON.parse(body).active ? 'accepted' : 'refused'
  }
}

function guardedRoute(t: Pick<Test, 'teardown'>, url: string): Guard['judge'] {
  const send = sender(t, url, 'GET')
  return async (accessToken) => {
    const { status, body } = await send({ authorization: `Bearer ${accessToken}` })
    if (status === 503) return 'unavailable'
    if (status !== 200 && status !== 401) throw new Error(`The guarded route answered ${status}: ${body}`)
    return status === 200 ? 'accepted' : 'refused'
  }
}

/** Sends requests over a few kept connections. With a new connection each, the times would mostly measure connecting. */
function sender(t: Pick<Test, 'teardown'>, url: string, method: 'GET' | 'POST') {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  t.teardown(() => agent.destroy())
  return (headers: Record<string, string>, body?: string) =>
    new Promise<{ readonly status: number; readonly body: string }>((resolve, reject) => {
      const asked = request(url, { method, headers, agent }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (more: string) => {
          text += more
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
        response.on('error', reject)
      })
      asked.on('error', reject).end(body)
    })
}
