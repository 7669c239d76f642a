import { createAuthClient } from '../../../src/client/client.js'
import type { AuthClientOptions, AuthState } from '../../../src/client/index.js'
import { FakeRuntime, tokenResponse } from './fake-runtime.js'

/** Clients of a fake service. */

export const baseURL = 'https://auth.test'
export const person = { email: 'ada@example.org', password: 'a rather long password' }

/** A client of a fake service, and the states that it has reported. */
export function createClient(service: FakeRuntime['service'], options: AuthClientOptions = {}) {
  const runtime = new FakeRuntime(service)
  const auth = createAuthClient({ baseURL, ...options }, runtime)
  const states: AuthState[] = []
  auth.onChange((state) => states.push(state))
  return { runtime, auth, states }
}

/** A client that is signed in. The requests of the login are not recorded. */
export async function signedIn(service: FakeRuntime['service'], options: AuthClientOptions = {}) {
  const client = createClient(() => tokenResponse({ refresh_token: 'token-1' }), options)
  await client.auth.login(person)
  client.runtime.sent.splice(0)
  client.runtime.requests.splice(0)
  client.runtime.service = service
  return client
}

export const isOut = { status: 'signed_out' } as const
