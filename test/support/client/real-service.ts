import type { Test } from 'tap'
import { type AuthClientOptions, type AuthState, createAuthClient } from '../../../src/client/index.js'
import { type Runtime, systemRuntime } from '../../../src/client/runtime/runtime.js'
import { refreshTimeoutSeconds } from '../../../src/core/policy.js'
import { age, openTestDatabase, sql } from '../database.js'
import { adminEmail, signInAdmin } from '../http/admin.js'
import { newEmail } from '../http/people.js'
import { shiftableClock } from '../http/shiftable-clock.js'
import { openService, goodPassword as password } from '../service.js'
import { CookieJar } from './cookie-jar.js'
import { storageIn } from './storage.js'

const timeout = refreshTimeoutSeconds * 1000

/** The system's runtime without pauses, but with its timeouts. */
export const quickRuntime: Runtime = {
  ...systemRuntime,
  schedule: (action, milliseconds, idle) =>
    systemRuntime.schedule(action, milliseconds < timeout ? 0 : milliseconds, idle)
}

/** The service on a port of its own, for HTTP clients. It closes when `t` ends. */
export async function openRealService(t: Test) {
  const database = await openTestDatabase(t, { kind: 'embedded' })
  const clock = shiftableClock()
  const app = await openService(t, database, { ADMIN_EMAIL: adminEmail, ADMIN_PASSWORD: password }, clock)
  const baseURL = await app.listen({ port: 0 })

  /** A new user's client, signed in, with its own cookie jar. */
  async function newClient(options: AuthClientOptions = {}) {
    const jar = new CookieJar()
    const storage = storageIn(new Map())
    const settings = { baseURL, storage, fetch: jar.fetch, ...options }
    const auth = createAuthClient(settings, quickRuntime)
    const person = { email: newEmail(), password }
    await auth.register(person)
    const states: AuthState[] = []
    auth.onChange((state) => states.push(state))
    t.teardown(() => auth.close())
    jar.requestedPaths.splice(0)
    return { auth, jar, states, person, settings }
  }

  /** How many lost responses of the session were forgiven without its idempotency key. */
  async function recoveries(sid: string): Promise<number> {
    const rows = await sql(database, `SELECT 1 FROM event WHERE session_id = $1::uuid AND reason = 'recovery'`, sid)
    return rows.length
  }

  /** From now on every earlier access token is refused, and the next refresh of `sid` rotates. */
  async function storm(sid: string): Promise<void> {
    const admin = await signInAdmin(app)
    const rotated = await admin.send('POST', '/admin/keys/rotate', { payload: { revoke_old: true } })
    if (rotated.statusCode !== 200) throw new Error(rotated.body)
    await age(database, sid, 60)
  }

  return { database, clock, baseURL, newClient, recoveries, storm }
}

export function sessionOf(state: AuthState): string {
  if (state.status !== 'signed_in') throw new Error(`Nobody is signed in: ${JSON.stringify(state)}`)
  return state.sessionId
}
