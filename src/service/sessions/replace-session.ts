import type { Auth } from '../../core/access-claims.js'
import type { SessionTokenKind } from '../../core/opaque-token.js'
import { sessionLifeSeconds } from '../../core/policy.js'
import type { EndedReason } from '../../core/vocabulary.js'
import type { Actor, AddedSession, LiveSession, Ports, Replacement } from '../../ports/index.js'
import { Refused } from '../refused.js'
import { claimsOfRequest } from './claims-of-request.js'
import { noteReuse, type ReusePorts, reasonToEnd } from './held-token.js'
import { type Credentials, type IssuingPorts, issueCredentials } from './issue-credentials.js'
import type { Authentication } from './start-session.js'

/**
 * The token in the cookie that the response would overwrite, or in another cookie of the session `sid`; undefined if the
 * request has neither.
 */
export type HeldCookie = (kind: SessionTokenKind, sid: string) => Promise<string | undefined>

/** A session that a new one may replace, and why it ends then. */
export interface Replaceable {
  readonly session: LiveSession
  readonly reason: EndedReason
}

/**
 * Returns the session of the request, before any change, and refuses if the response would overwrite the cookie of another
 * session: the client would lose that session, and nothing would end it. If the cookie is an old one, the session ends as
 * `reuse_detected`. The person who then proves the password goes on in the new session.
 */
export async function requireReplaceable(
  ports: Pick<Ports, 'sessions' | 'opaqueTokens' | 'policy'>,
  auth: Auth,
  heldCookie: HeldCookie
): Promise<Replaceable> {
  const session = await ports.sessions.find(auth.sessionId)
  if (session === undefined) throw new Refused('session_revoked')
  if (session.mode === 'body' || session.mode === 'access') return { session, reason: 'replaced' }

  const kind = session.mode === 'session' ? 'session' : 'refresh'
  const token = await heldCookie(kind, session.id)
  if (token === undefined) return { session, reason: 'replaced' }
  const presented = ports.opaqueTokens.open(kind, token)
  if (presented?.sid !== session.id) {
    throw new Refused('ambiguous_credentials', { detail: 'The cookie is of another session than the access token.' })
  }
  return { session, reason: reasonToEnd(ports, session, presented, 'replaced') }
}

/**
 * Replaces a session in which the user was authenticated again, so that copies of its tokens stop working (ASVS 7.2.4).
 * `commit` makes the change in the store, after the host has been asked for claims. Refuses with `session_revoked` if the
 * session has ended meanwhile.
 */
export async function replaceSession(
  ports: IssuingPorts & ReusePorts & Pick<Ports, 'digest'>,
  { session, reason }: Replaceable,
  { amr, authTime }: Authentication,
  actor: Actor,
  commit: (replacement: Replacement) => Promise<AddedSession | undefined>
): Promise<Credentials> {
  const id = ports.entropy.uuid()
  const secret = ports.entropy.bytes(32)
  const { userAgent = null, ip = null } = actor
  const claims = claimsOfRequest(ports)
  if (ports.addedClaims.callsHost && session.mode !== 'session') {
    const joined = [...new Set([...session.amr, ...amr])].sort()
    await claims({
      ...session,
      id,
      amr: joined,
      userAgent,
      ip,
      authTime: Math.max(session.authTime, authTime ?? ports.clock.now())
    })
  }
  const added = await commit({
    id,
    replaces: session.id,
    replacedReason: reason,
    secretHash: ports.digest(secret),
    amr,
    authTime,
    userAgent,
    ip,
    idleTtlSeconds: sessionLifeSeconds(session.mode, ports.policy).idle
  })
  if (added === undefined) throw new Refused('session_revoked')
  await ports.revocations.announce(added.revocations)
  noteReuse(ports, session.id, reason)
  return issueCredentials(ports, added.session, secret, true, claims)
}
