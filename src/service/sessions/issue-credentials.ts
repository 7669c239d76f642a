import type { SessionTokenKind } from '../../core/opaque-token.js'
import type { Mode } from '../../core/vocabulary.js'
import { Unavailable } from '../../ports/errors.js'
import type { Ports } from '../../ports/index.js'
import type { LiveSession } from '../../ports/sessions.js'

/** What a client is handed after a login or a refresh. */
export interface Credentials {
  readonly sessionId: string
  readonly mode: Mode
  /** None in `session` mode. */
  readonly accessToken: string | undefined
  /** Until the access token ends or, in `session` mode, the session. */
  readonly expiresInSeconds: number
  /** None in `access` mode. */
  readonly opaque: OpaqueCredential | undefined
}

export interface OpaqueCredential {
  readonly kind: SessionTokenKind
  readonly token: string
  readonly expiresInSeconds: number
  /** False where the client holds this very token already. */
  readonly changed: boolean
}

export type IssuingPorts = Pick<
  Ports,
  'identity' | 'policy' | 'clock' | 'entropy' | 'sessions' | 'revocations' | 'accessTokens' | 'opaqueTokens'
>

/** Makes what `session.mode` calls for, out of a session that has just been created, moved or confirmed. */
export async function issueCredentials(
  ports: IssuingPorts,
  session: LiveSession,
  secret: Uint8Array,
  changed: boolean
): Promise<Credentials> {
  const { id: sid, mode } = session
  const opaque = issueOpaque(ports, session, secret, changed)
  if (mode === 'session') {
    return { sessionId: sid, mode, accessToken: undefined, expiresInSeconds: opaque.expiresInSeconds, opaque }
  }

  const { now, user } = await issuable(ports, session)
  const iat = Math.floor(now / 1000)
  const exp = Math.min(iat + ports.policy.accessTokenTtlSeconds, Math.floor(session.absoluteExpiresAt / 1000))
  const accessToken = await ports.accessTokens.sign({
    iss: ports.identity.issuer,
    aud: ports.identity.audience,
    sub: session.userId,
    sid,
    jti: ports.entropy.uuid(),
    client_id: clientId,
    iat,
    exp,
    auth_time: Math.floor(session.authTime / 1000),
    amr: session.amr,
    roles: user.roles
  })
  return {
    sessionId: sid,
    mode,
    accessToken,
    expiresInSeconds: exp - iat,
    opaque: mode === 'access' ? undefined : opaque
  }
}

/** RFC 9068 §2.2 wants the client named; there is one, our own login, whatever app drives it. */
export const clientId = 'latchkey'

function issueOpaque(
  ports: IssuingPorts,
  session: LiveSession,
  secret: Uint8Array,
  changed: boolean
): OpaqueCredential {
  const kind = session.mode === 'session' ? 'session' : 'refresh'
  const token = ports.opaqueTokens.issue(kind, { sid: session.id, generation: session.generation, secret })
  // A server-side session is not handed a new cookie at every use, so its cookie lasts to the absolute end.
  const end = kind === 'session' ? session.absoluteExpiresAt : session.idleExpiresAt
  return { kind, token, expiresInSeconds: Math.max(0, Math.floor((end - session.now) / 1000)), changed }
}

/**
 * `iat` counts whole seconds, and a change of roles or an end of everybody's sessions refuses the
 * tokens up to its second. A token of the same second would be refused at birth: it waits the rest of
 * it, and then carries the roles that the user has by then.
 */
async function issuable(ports: IssuingPorts, session: LiveSession): Promise<LiveSession> {
  const from = ports.revocations.issuableFrom(session.id)
  if (session.now >= from) return session
  await ports.clock.sleep(from - session.now)
  const current = await ports.sessions.find(session.id)
  if (current === undefined || current.user.disabled) throw new Unavailable('The session ended while it was answered.')
  return { ...session, user: current.user, now: Math.max(from, current.now) }
}
