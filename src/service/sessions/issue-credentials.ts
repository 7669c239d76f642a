import { audienceClaim } from '../../core/access-claims.js'
import type { SessionTokenKind } from '../../core/opaque-token.js'
import type { Mode } from '../../core/vocabulary.js'
import { Unavailable } from '../../ports/errors.js'
import type { IssuableSession, Ports } from '../../ports/index.js'
import type { ClaimsOfRequest } from './claims-of-request.js'
import { issuableTime } from './issuable-time.js'

/** What a client receives after a login or a refresh. */
export interface Credentials {
  readonly sessionId: string
  readonly mode: Mode
  /** Undefined in `session` mode. */
  readonly accessToken: string | undefined
  /** Until the access token ends or, in `session` mode, the session. */
  readonly expiresInSeconds: number
  /** Undefined in `access` mode. */
  readonly opaque: OpaqueCredential | undefined
}

export interface OpaqueCredential {
  readonly kind: SessionTokenKind
  readonly token: string
  readonly expiresInSeconds: number
  /** False if the client holds this very token already. */
  readonly changed: boolean
}

export type IssuingPorts = Pick<
  Ports,
  | 'identity'
  | 'policy'
  | 'clock'
  | 'entropy'
  | 'sessions'
  | 'revocations'
  | 'accessTokens'
  | 'addedClaims'
  | 'opaqueTokens'
>

/** The `client_id` claim, which RFC 9068 §2.2 requires. The only client is our own login, whatever app drives it. */
export const clientId = 'latchkey'

/** Makes the tokens of `session.mode` for a session that was just created, rotated or read. */
export async function issueCredentials(
  ports: IssuingPorts,
  session: IssuableSession,
  secret: Uint8Array,
  changed: boolean,
  claims: ClaimsOfRequest
): Promise<Credentials> {
  const { id: sid, mode } = session
  const opaque = issueOpaque(ports, session, secret, changed)
  if (mode === 'session') {
    return { sessionId: sid, mode, accessToken: undefined, expiresInSeconds: opaque.expiresInSeconds, opaque }
  }

  const { now, user } = await untilIssuable(ports, session)
  const added = await claims({ ...session, user })
  const iat = Math.floor(now / 1000)
  const latest = Math.min(iat + ports.policy.accessTokenTtlSeconds, Math.floor(session.absoluteExpiresAt / 1000))
  // Without its claims the token must let nobody in. An expired one makes the client refresh, which calls the host first.
  const exp = added === undefined ? iat : latest
  const accessToken = await ports.accessTokens.sign({
    ...added,
    iss: ports.identity.issuer,
    aud: audienceClaim(ports.identity.audiences),
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

function issueOpaque(
  ports: IssuingPorts,
  session: IssuableSession,
  secret: Uint8Array,
  changed: boolean
): OpaqueCredential {
  const kind = session.mode === 'session' ? 'session' : 'refresh'
  const token = ports.opaqueTokens.issue(kind, { sid: session.id, generation: session.generation, secret })
  // The cookie of a server-side session is set once and not at every use, so it lasts to the absolute end.
  const end = kind === 'session' ? session.absoluteExpiresAt : session.idleExpiresAt
  return { kind, token, expiresInSeconds: Math.max(0, Math.floor((end - session.now) / 1000)), changed }
}

/** Waits as `issuableTime` does. The session then has the user's roles of that later moment. */
async function untilIssuable(ports: IssuingPorts, session: IssuableSession): Promise<IssuableSession> {
  const from = await issuableTime(ports, session.id, session.now)
  if (from === session.now) return session
  const current = await ports.sessions.find(session.id)
  if (current === undefined || current.user.disabled) {
    throw new Unavailable('The session ended while its tokens were being issued.')
  }
  return { ...session, user: current.user, now: Math.max(from, current.now) }
}
