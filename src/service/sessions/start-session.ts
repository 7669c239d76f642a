import type { SessionTokenKind } from '../../core/opaque-token.js'
import { sessionLifeSeconds } from '../../core/policy.js'
import type { Mode } from '../../core/vocabulary.js'
import type { Actor, EndTarget, Ports } from '../../ports/index.js'
import { Refused } from '../refused.js'
import { endSession, sessionOfToken } from './end-session.js'
import { type Credentials, type IssuingPorts, issueCredentials } from './issue-credentials.js'

export type StartSessionPorts = IssuingPorts & Pick<Ports, 'digest' | 'decisions' | 'events'>

/** The session that a client asks for. */
export interface SessionRequest {
  readonly mode: Mode
  readonly device: string | undefined
  /** The refresh or session tokens that the client still holds. Their sessions are replaced (ASVS 7.2.4). */
  readonly replacedTokens: readonly { readonly kind: SessionTokenKind; readonly token: string }[]
}

/** What a client receives after a registration or a login. */
export interface SignedIn extends Credentials {
  /** Proves at the next login that this device has signed in to the account before. */
  readonly deviceToken: string
}

/** Refuses a mode that this server does not offer. Checked before any costly work. */
export function requireAllowedMode(ports: Pick<Ports, 'policy'>, mode: Mode): void {
  if (!ports.policy.modes.includes(mode)) {
    throw new Refused('mode_not_allowed', { detail: `This server offers: ${ports.policy.modes.join(', ')}.` })
  }
}

/**
 * Creates a session with a new id for a user whose password was verified against `passwordHash`. Refuses with
 * `invalid_credentials` if the account changed in the meantime.
 */
export async function startSession(
  ports: StartSessionPorts,
  account: { readonly userId: string; readonly passwordHash: string },
  request: SessionRequest,
  actor: Actor
): Promise<Credentials> {
  const { policy, entropy } = ports
  const replaced = request.replacedTokens.flatMap(({ kind, token }) => sessionOfToken(ports, kind, token) ?? [])
  const secret = entropy.bytes(32)
  const life = sessionLifeSeconds(request.mode, policy)
  const created = await ports.sessions.create(
    {
      id: entropy.uuid(),
      userId: account.userId,
      mode: request.mode,
      secretHash: ports.digest(secret),
      device: request.device ?? null,
      userAgent: actor.userAgent ?? null,
      ip: actor.ip ?? null,
      amr: ['pwd'],
      idleTtlSeconds: life.idle,
      absoluteTtlSeconds: life.absolute
    },
    {
      passwordHash: account.passwordHash,
      maxPerUser: policy.maxSessionsPerUser,
      replaces: replaced[0]?.sid
    },
    actor
  )
  if (created === 'user_changed') {
    ports.decisions.note('login', created, { userId: account.userId })
    throw new Refused('invalid_credentials')
  }

  await ports.revocations.announce(created.revocations)
  const ended = new Set(created.revocations.map(({ sid }) => sid))
  for (const target of replaced.filter(({ sid }) => !ended.has(sid))) await noteReplaced(ports, target, actor)
  return issueCredentials(ports, created.session, secret, true)
}

/**
 * Ends one more session that the client held. If that session had ended before, its reason becomes `replaced`: another tab
 * may be refreshing with the old cookie, and the answer must not delete the new one.
 */
async function noteReplaced(ports: StartSessionPorts, target: EndTarget, actor: Actor): Promise<void> {
  if (await endSession(ports, target, 'replaced', actor)) return
  const reason = await ports.events.endedReason(target.sid)
  if (reason === undefined || reason === 'replaced') return
  await ports.events.record({ type: 'session_ended', sessionId: target.sid, reason: 'replaced' }, actor)
}
