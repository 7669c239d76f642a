// Compiled by `npm run types`, never run: each @ts-expect-error marks a use that must not compile.
import { type AuthState, createAuthClient, type DeviceSession } from '../../src/client/index.js'

const auth = createAuthClient({ baseURL: 'https://auth.example.com', mode: 'body' })

export function describe(state: AuthState): string {
  // @ts-expect-error only a signed-in state has a session
  state.sessionId.length
  switch (state.status) {
    case 'unknown':
      return 'not asked yet'
    case 'signed_in':
      return state.sessionId
    case 'signed_out': {
      // @ts-expect-error nobody may have been signed in before, so there may be no reason
      const reason: string = state.reason
      return reason ?? 'nobody'
    }
  }
}

auth.onChange((state) => void describe(state))
auth.onChange(({ status, sessionId, reason = 'nobody was signed in' }) => {
  const shown: string = status === 'signed_in' ? sessionId : reason
  // @ts-expect-error nobody may be signed in
  sessionId.length
  console.log(shown)
})
// @ts-expect-error login, logout and refresh change the state
auth.state = { status: 'unknown' }
// @ts-expect-error there is no such state
const unknownState: AuthState = { status: 'expired' }

await auth.login({ email: 'ada@example.com', password: 'correct horse battery staple' })
// @ts-expect-error a login needs a password
await auth.login({ email: 'ada@example.com' })
// @ts-expect-error the modes are a closed list
createAuthClient({ mode: 'token' })

const token = await auth.getAccessToken()
// @ts-expect-error there is no token if nobody is signed in
token.length
const sessions: readonly DeviceSession[] = await auth.sessions()

export { sessions, unknownState }
