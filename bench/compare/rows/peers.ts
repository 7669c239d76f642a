import type { Bench } from '../bench.js'
import {
  bearer,
  cookieHeader,
  getting,
  newEmail,
  password,
  refreshing,
  repeating,
  sendEach,
  sending
} from '../clients.js'
import type { Contender } from '../measure.js'
import type { Server } from '../processes.js'

/** What people use instead. Each function gives no contenders for peers that are not installed. */

const cheapHash = '4'
const loginHash = '10'
const daySeconds = '86400'

/** A route of the hand-written server that takes an access token. */
export async function handWrittenRoute(bench: Bench, path: '/guarded' | '/me'): Promise<readonly Contender[]> {
  return contenders(await bench.peer('hand-written', cheapHash), 'hand-written', async (server) => {
    const tokens = await handWrittenTokens(bench, server)
    return tokens.map(({ access_token: access }) => getting(path, bearer(access)))
  })
}

/** Requests whose cookie names a session in a store. */
export async function sessionLookups(bench: Bench): Promise<readonly Contender[]> {
  return [
    ...(await contenders(await bench.expressSession(), 'express-session, Redis', async (server) => {
      const started = await sendEach(server, '/start', emptyBodies(bench))
      return started.map((response) => getting('/guarded', cookieHeader(response)))
    })),
    ...(await contenders(await bench.peer('better-auth', daySeconds), 'better-auth', (server) =>
      betterAuthSessions(bench, server)
    ))
  ]
}

export async function peerRefreshes(bench: Bench): Promise<readonly Contender[]> {
  return [
    ...(await contenders(await bench.peer('hand-written', cheapHash), 'hand-written', async (server) => {
      const tokens = await handWrittenTokens(bench, server)
      return tokens.map(({ refresh_token: refresh }) => refreshing(refresh))
    })),
    ...(await contenders(await bench.peer('oidc-provider'), 'oidc-provider', async (server) => {
      const started = await sendEach(server, '/start', emptyBodies(bench))
      return started.map(({ body }) => refreshing(JSON.parse(body).refresh_token, refreshGrant))
    })),
    // Without a day between two renewals of a session, each request renews it.
    ...(await contenders(await bench.peer('better-auth', '0'), 'better-auth', (server) =>
      betterAuthSessions(bench, server)
    ))
  ]
}

export async function peerLogins(bench: Bench): Promise<readonly Contender[]> {
  const person = { email: newEmail(), password, name: 'Ada' }
  const login = (path: string) => repeating({ method: 'POST', path, body: JSON.stringify(person) })
  return [
    ...(await contenders(await bench.peer('hand-written', loginHash), 'hand-written', async (server) => {
      await sendEach(server, '/register', [person])
      return bench.repeated(() => login('/login'))
    })),
    ...(await contenders(await bench.expressSession(), 'express-session, Redis', async () =>
      bench.repeated(() => login('/login'))
    )),
    ...(await contenders(await bench.peer('better-auth', daySeconds), 'better-auth, scrypt', async (server) => {
      await sendEach(server, '/api/auth/sign-up/email', [person])
      return bench.repeated(() => login('/api/auth/sign-in/email'))
    }))
  ]
}

export async function peerRegistrations(bench: Bench): Promise<readonly Contender[]> {
  const register = (path: string) =>
    bench.repeated(() =>
      sending(() => ({ method: 'POST', path, body: JSON.stringify({ email: newEmail(), password, name: 'Ada' }) }))
    )
  return [
    ...(await contenders(await bench.peer('hand-written', loginHash), 'hand-written', async () =>
      register('/register')
    )),
    ...(await contenders(await bench.peer('better-auth', daySeconds), 'better-auth, scrypt', async () =>
      register('/api/auth/sign-up/email')
    ))
  ]
}

function contenders(
  servers: readonly Server[],
  name: string,
  clientsOf: (server: Server) => Promise<Contender['clients']>
): Promise<readonly Contender[]> {
  return Promise.all(servers.map(async (server) => ({ name, servers: [server], clients: await clientsOf(server) })))
}

async function handWrittenTokens(bench: Bench, server: Server) {
  const people = bench.repeated(() => ({ email: newEmail(), password }))
  const responses = await sendEach(server, '/register', people)
  return responses.map(({ body }): { access_token: string; refresh_token: string } => JSON.parse(body))
}

async function betterAuthSessions(bench: Bench, server: Server): Promise<Contender['clients']> {
  const people = bench.repeated(() => ({ email: newEmail(), password, name: 'Ada' }))
  const responses = await sendEach(server, '/api/auth/sign-up/email', people)
  return responses.map((response) => getting('/api/auth/get-session', cookieHeader(response)))
}

/** RFC 6749 §6. */
function refreshGrant(token: string) {
  return {
    method: 'POST',
    path: '/token',
    type: 'application/x-www-form-urlencoded',
    body: `grant_type=refresh_token&client_id=bench&refresh_token=${token}`
  } as const
}

function emptyBodies(bench: Bench): readonly object[] {
  return bench.repeated(() => ({}))
}
