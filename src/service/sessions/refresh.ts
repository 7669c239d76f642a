import type { SessionTokenContent } from '../../core/opaque-token.js'
import { refreshLimit } from '../../core/rate-limits.js'
import { decideRotation, type Verdict } from '../../core/rotation.js'
import type { EndedReason } from '../../core/vocabulary.js'
import { Unavailable } from '../../ports/errors.js'
import type { Actor, LiveSession, Outcome, Ports, RotationStep } from '../../ports/index.js'
import { Refused } from '../refused.js'
import { type ClaimsOfRequest, claimsOfRequest } from './claims-of-request.js'
import { endSession } from './end-session.js'
import { noteReuse, type ReusePorts } from './held-token.js'
import { type Credentials, type IssuingPorts, issueCredentials } from './issue-credentials.js'

export type RefreshPorts = IssuingPorts & ReusePorts & Pick<Ports, 'rateLimits' | 'events' | 'digest'>

/** After this many lost races the client is asked to retry. */
const maxAttempts = 3

/**
 * Answers a refresh token. The common case is one statement. Only if it finds no row, the row is read and
 * `decideRotation` decides (docs/rotation.md). All writes are committed before this returns or throws.
 *
 * If a function of the host makes claims, the row is read first, and the function is called before anything is written:
 * if it fails, the token is still worth what it was.
 */
export async function refresh(
  ports: RefreshPorts,
  input: { readonly refreshToken: string; readonly idempotencyKey: string | undefined },
  actor: Actor
): Promise<Credentials> {
  const presented = ports.opaqueTokens.open('refresh', input.refreshToken)
  if (presented === undefined) return refuseUnknown(ports)
  const { sid, generation, secret } = presented

  // Counted only now, so that a forged token uses up no limit.
  const { granted, endsInSeconds } = await ports.rateLimits.use({ limit: refreshLimit, key: sid })
  if (!granted) return refuseLimited(ports, sid, endsInSeconds)

  const secretHash = ports.digest(secret)
  const retryKeyHash = input.idempotencyKey === undefined ? null : ports.digest(input.idempotencyKey)
  const { callsHost } = ports.addedClaims
  const claims = claimsOfRequest(ports)
  const rotate = async () => {
    const rotated = await ports.sessions.rotate({ sid, generation, secretHash, retryKeyHash })
    if (rotated === undefined) return 'lost_race'
    ports.decisions.note('refresh', 'rotated', { sid })
    return issueCredentials(ports, rotated, secret, true, claims)
  }
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const rotated = callsHost ? 'lost_race' : await rotate()
    if (rotated !== 'lost_race') return rotated

    const session = await ports.sessions.find(sid)
    if (session === undefined) return refuseEnded(ports, sid)
    if (session.secretHash !== secretHash) return refuseUnknown(ports, sid)
    if (session.user.disabled) return endAndRefuse(ports, sid, 'user_disabled', actor)

    const verdict = decideRotation(session, { generation, retryKeyHash }, ports.policy, session.now)
    const isEnd = verdict.kind === 'expired' || verdict.kind === 'reuse'
    if (callsHost && !isEnd) await claims(session)
    const credentials =
      callsHost && verdict.kind === 'rotate'
        ? await rotate()
        : await applyVerdict(ports, session, presented, retryKeyHash, verdict, claims, actor)
    if (credentials !== 'lost_race') return credentials
  }
  throw new Unavailable('Other requests changed the session during each attempt to refresh it.')
}

async function applyVerdict(
  ports: RefreshPorts,
  session: LiveSession,
  presented: SessionTokenContent,
  retryKeyHash: string | null,
  verdict: Verdict,
  claims: ClaimsOfRequest,
  actor: Actor
): Promise<Credentials | 'lost_race'> {
  const answer = (outcome: Outcome<'refresh'>, generation: number) => {
    ports.decisions.note('refresh', outcome, { sid: session.id })
    const changed = generation !== presented.generation
    return issueCredentials(ports, { ...session, generation }, presented.secret, changed, claims)
  }
  const advance = async (kind: RotationStep['kind'], outcome: Outcome<'refresh'>, generation: number) =>
    (await ports.sessions.advance(session, { kind, generation, retryKeyHash }, actor))
      ? answer(outcome, generation)
      : 'lost_race'

  const isRecovered = session.recoveredGeneration !== null
  switch (verdict.kind) {
    case 'expired':
      return endAndRefuse(ports, session.id, verdict.reason, actor)
    case 'reuse':
      return endAndRefuse(ports, session.id, 'reuse_detected', actor)
    case 'current':
    case 'access_only':
      return answer(verdict.kind, verdict.generation)
    case 'replay':
      return answer(verdict.late ? 'replayed_late' : 'replayed', verdict.generation)
    case 'renew':
    case 'recover':
      return advance(verdict.kind, isRecovered ? 'recovered_again' : 'recovered', verdict.generation)
    case 'restore':
      return advance('restore', 'restored', verdict.generation)
    case 'rotate':
      // The statement would have done this. The row changed in between, so decide again.
      return 'lost_race'
  }
}

/** Ends this session only, not the user's other sessions. */
async function endAndRefuse(ports: RefreshPorts, sid: string, reason: EndedReason, actor: Actor): Promise<never> {
  if (!(await endSession(ports, { sid }, reason, actor))) return refuseEnded(ports, sid)
  if (reason === 'reuse_detected') noteReuse(ports, sid, reason)
  else ports.decisions.note('refresh', 'ended', { sid })
  throw new Refused('session_ended', { reason })
}

async function refuseEnded(ports: RefreshPorts, sid: string): Promise<never> {
  const ending = await ports.events.endingOf(sid)
  if (ending === undefined) return refuseUnknown(ports, sid)
  ports.decisions.note('refresh', 'ended', { sid })
  const { reason, alsoReplaced } = ending
  throw new Refused('session_ended', { reason, ...(alsoReplaced && { replaced: true }) })
}

/** Refuses a token that is forged or damaged, or whose session has left the event log. */
function refuseUnknown(ports: RefreshPorts, sid?: string): never {
  ports.decisions.note('refresh', 'refused', { sid })
  throw new Refused('invalid_refresh_token')
}

function refuseLimited(ports: RefreshPorts, sid: string, retryAfterSeconds: number): never {
  ports.decisions.note('refresh', 'limited', { sid })
  throw new Refused('too_many_requests', { retryAfterSeconds })
}
