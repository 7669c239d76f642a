import { AuthError, type AuthState, createAuthClient, type DeviceSession } from 'latchkey-client'

/** A page: with the types of browsers and none of Node. */
const auth = createAuthClient({ baseURL: 'https://auth.example.com', mode: 'session', storage: memory() })

auth.onChange(({ status, reason, sessionId }) => {
  if (status === 'signed_out') document.title = reason ?? 'nobody was signed in'
  if (status === 'signed_in') document.title = sessionId
  // @ts-expect-error there may be no reason
  document.title = reason
})

export const state: AuthState = auth.state

export async function devices(): Promise<readonly DeviceSession[]> {
  try {
    await auth.login({ email: 'ada@example.com', password: 'a rather long password' })
    const response: Response = await auth.fetch(new URL('/me', location.href), { method: 'GET' })
    console.log(await response.json())
  } catch (error) {
    if (error instanceof AuthError && error.isTemporary) console.log(error.retryAfterSeconds)
  }
  // @ts-expect-error a session has no e-mail address
  console.log((await auth.sessions()).map(({ email }) => email))
  return auth.sessions()
}

function memory() {
  const kept = new Map<string, string>()
  return {
    get: (name: string) => kept.get(name),
    set: (name: string, value: string) => kept.set(name, value),
    remove: (name: string) => kept.delete(name)
  }
}
