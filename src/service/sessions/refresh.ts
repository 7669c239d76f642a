import { refreshesOfSession } from '../../core/allowance.js'
import type { SessionTokenContent } from '../../core/opaque-token.js'
import { decideRotation, type Verdict } from '../../core/rotation.js'
import type { EndedReason } from '../../core/vocabulary.js'
import { Unavailable } from '../../ports/errors.js'
import type { Actor } from '../../ports/events.js'
import type { Ports } from '../../ports/index.js'
import type { Outcome } from '../../ports/metrics.js'
import type { LiveSession, RotationStep } from '../../ports/sessions.js'
import { type LimitPorts, requireAllowance } from '../limits.js'
import { Refused } from '../refused.js'
import { type Credentials, type IssuingPorts, issueCredentials } from './issue-credentials.js'

export type RefreshPorts = IssuingPorts & LimitPorts & Pick<Ports, 'sessions' | 'events' | 'digest' | 'decisions'>

/** How often a lost race is decided again before the client is asked to come back. */
const maxAttempts = 3

/**
 * Answers a refresh token. The common case is one statement; only where it finds no row is the row
 * read and the rotation table walked (docs/rotation.md). Whatever a verdict writes is committed
 * before anything is answered or thrown.
 */
export async function refresh(
  ports: RefreshPorts,
  input: { readonly refreshToken: string; readonly idempotencyKey: string | undefined },
  actor: Actor
): Promise<Credentials> {
  const presented = ports.opaqueTokens.open('refresh', input.refreshToken)
  if (presented === undefined) return refuseUnknown(ports)
  await requireRefreshAllowance(ports, presented.sid)
  const secretHash = ports.digest(presented.secret)
  const retryKeyHash = input.idempotencyKey === undefined ? null : ports.digest(input.idempotencyKey)

  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const { sid, generation } = presented
    const rotated = await ports.sessions.rotate({ sid, generation, secretHash, retryKeyHash })
    if (rotated !== undefined) {
      ports.decisions.note('refresh', 'rotated', { sid })
      return issueCredentials(ports, rotated, presented.secret, true)
    }

    const session = await ports.sessions.find(sid)
    if (session === undefined) return refuseEnded(ports, sid)
    if (session.secretHash !== secretHash) return refuseUnknown(ports, sid)
    if (session.user.disabled) return endAndRefuse(ports, session, 'user_disabled', actor)

    const verdict = decideRotation(session, { generation, retryKeyHash }, ports.policy, session.now)
    const credentials = await applyVerdict(ports, session, presented, retryKeyHash, verdict, actor)
    if (credentials !== 'lost_race') return credentials
  }
  throw new Unavailable('The session moved at every attempt to refresh it.')
}

/** Only whoever holds a genuine token of the session uses its allowance up. */
async function requireRefreshAllowance(ports: RefreshPorts, sid: string): Promise<void> {
  try {
    await requireAllowance(ports, { allowance: refreshesOfSession, key: sid })
  } catch (error) {
    ports.decisions.note('refresh', 'limited', { sid })
    throw error
  }
}

async function applyVerdict(
  ports: RefreshPorts,
  session: LiveSession,
  presented: SessionTokenContent,
  retryKeyHash: string | null,
  verdict: Verdict,
  actor: Actor
): Promise<Credentials | 'lost_race'> {
  const answer = (outcome: Outcome<'refresh'>, generation: number) => {
    ports.decisions.note('refresh', outcome, { sid: session.id })
    return issueCredentials(ports, { ...session, generation }, presented.secret, outcome !== 'current')
  }
  const advance = async (kind: RotationStep['kind'], outcome: Outcome<'refresh'>, generation: number) =>
    (await ports.sessions.advance(session, { kind, generation, retryKeyHash }, actor))
      ? answer(outcome, generation)
      : 'lost_race'

  switch (verdict.kind) {
    case 'expired':
      return endAndRefuse(ports, session, verdict.reason, actor)
    case 'reuse':
      return endAndRefuse(ports, session, 'reuse_detected', actor)
    case 'current':
      return answer('current', verdict.generation)
    case 'replay':
      return verdict.renew ? advance('renew', 'replayed', verdict.generation) : answer('replayed', verdict.generation)
    case 'recover':
      return advance('recover', 'recovered', verdict.generation)
    case 'restore':
      return advance('restore', 'restored', verdict.generation)
    case 'rotate':
      return 'lost_race'
  }
}

/** Only this session ends; the user's others are left alone. */
async function endAndRefuse(
  ports: RefreshPorts,
  session: LiveSession,
  reason: EndedReason,
  actor: Actor
): Promise<never> {
  const revocation = await ports.sessions.end({ sid: session.id }, reason, actor)
  if (revocation === undefined) return refuseEnded(ports, session.id)
  await ports.revocations.announce([revocation])
  ports.decisions.note('refresh', reason === 'reuse_detected' ? 'reuse' : 'ended', { sid: session.id })
  throw new Refused('session_ended', { reason })
}

async function refuseEnded(ports: RefreshPorts, sid: string): Promise<never> {
  const reason = await ports.events.endedReason(sid)
  if (reason === undefined) return refuseUnknown(ports, sid)
  ports.decisions.note('refresh', 'ended', { sid })
  throw new Refused('session_ended', { reason })
}

/** Not ours, damaged, or of a session that nobody remembers. */
function refuseUnknown(ports: RefreshPorts, sid?: string): never {
  ports.decisions.note('refresh', 'refused', { sid })
  throw new Refused('invalid_refresh_token')
}
