import type { SessionTokenContent, SessionTokenKind } from '../../core/opaque-token.js'
import { decideRotation } from '../../core/rotation.js'
import type { EndedReason } from '../../core/vocabulary.js'
import type { Actor, EndDetails, EndTarget, LiveSession, Ports } from '../../ports/index.js'
import { endSession } from './end-session.js'

/** A refresh or session token of a client that asks to end or replace its session. */
export interface HeldToken {
  readonly kind: SessionTokenKind
  readonly token: string
}

/** A session to end, and why. */
export interface SessionToEnd {
  readonly target: EndTarget
  readonly reason: EndedReason
}

export type ReusePorts = Pick<Ports, 'decisions' | 'mail'>

type JudgingPorts = Pick<Ports, 'opaqueTokens' | 'digest' | 'policy' | 'sessions'>

/**
 * Why a session ends if the holder of this token asks for its end with `reason`. The token is judged as by a refresh
 * without a key: an old one is reuse, and ends the session as `reuse_detected`. Otherwise a thief with an old token could
 * end the session under a harmless reason, and the owner would never learn of the theft.
 */
export function reasonToEnd(
  { policy }: Pick<Ports, 'policy'>,
  session: LiveSession,
  { generation }: Pick<SessionTokenContent, 'generation'>,
  reason: EndedReason
): EndedReason {
  const verdict = decideRotation(session, { generation, retryKeyHash: null }, policy, session.now)
  if (verdict.kind === 'reuse') return 'reuse_detected'
  return verdict.kind === 'expired' ? verdict.reason : reason
}

/**
 * The sessions of genuine tokens, each once, with the reasons to end them. If a request has several tokens of one session,
 * the best one decides: its sender holds that one too. A text that is not our token names no session.
 */
export async function sessionsOfTokens(
  ports: JudgingPorts,
  tokens: readonly HeldToken[],
  reason: EndedReason
): Promise<readonly SessionToEnd[]> {
  const found = new Map<string, SessionToEnd>()
  for (const { kind, token } of tokens) {
    const presented = ports.opaqueTokens.open(kind, token)
    if (presented === undefined) continue
    const { sid } = presented
    const target = { sid, secretHash: ports.digest(presented.secret) }
    const session = await ports.sessions.find(sid)
    const isKnown = session?.secretHash === target.secretHash
    const judged = session && isKnown ? reasonToEnd(ports, session, presented, reason) : reason
    if (judged === reason || !found.has(sid)) found.set(sid, { target, reason: judged })
  }
  return [...found.values()]
}

/**
 * Whether the token's session is in this database, or ended in it. The MAC alone does not say so: another service can
 * have the same root secret, with a database of its own.
 */
export async function isOfKnownSession(
  ports: Pick<Ports, 'opaqueTokens' | 'digest' | 'sessions' | 'sessionResolver' | 'events'>,
  { kind, token }: HeldToken
): Promise<boolean> {
  const presented = ports.opaqueTokens.open(kind, token)
  if (presented === undefined) return false
  const session = await (kind === 'session' ? ports.sessionResolver : ports.sessions).find(presented.sid)
  if (session !== undefined) return session.secretHash === ports.digest(presented.secret)
  return (await ports.events.endingOf(presented.sid)) !== undefined
}

/** Ends the session of a token, and notes a reuse. False if the session had ended before. */
export async function endSessionOfToken(
  ports: ReusePorts & Pick<Ports, 'sessions' | 'revocations'>,
  { target, reason }: SessionToEnd,
  actor: Actor,
  details: EndDetails = {}
): Promise<boolean> {
  if (!(await endSession(ports, target, reason, actor, details))) return false
  noteReuse(ports, target.sid, reason)
  return true
}

/** If an old token ended this session, counts and logs that, and has the notice sent. */
export function noteReuse({ decisions, mail }: ReusePorts, sid: string, reason: EndedReason): void {
  if (reason !== 'reuse_detected') return
  decisions.note('refresh', 'reuse', { sid })
  mail.wake()
}
