import { sessionLifeSeconds } from '../../core/policy.js'
import type { Mode } from '../../core/vocabulary.js'
import type { Actor } from '../../ports/events.js'
import type { Ports } from '../../ports/index.js'
import { Refused } from '../refused.js'
import { type Credentials, type IssuingPorts, issueCredentials } from './issue-credentials.js'

export type StartSessionPorts = IssuingPorts & Pick<Ports, 'sessions' | 'digest' | 'decisions'>

/** How a client wants to hold its new session. */
export interface SessionRequest {
  readonly mode: Mode
  readonly device: string | undefined
  /** The refresh or session token that the client still holds: the session it replaces ends (ASVS 7.2.4). */
  readonly replacedToken: { readonly kind: 'refresh' | 'session'; readonly token: string } | undefined
}

/** What a client is handed after a register or a login: what it renews, and what proves that it has been here. */
export interface SignedIn extends Credentials {
  readonly deviceToken: string
}

/** Refuses a mode that the server does not offer; asked before anything costly is done. */
export function requireAllowedMode(ports: Pick<Ports, 'policy'>, mode: Mode): void {
  if (!ports.policy.modes.includes(mode)) {
    throw new Refused('mode_not_allowed', { detail: `This server offers: ${ports.policy.modes.join(', ')}.` })
  }
}

/**
 * Makes a session, always with a new id, for a user whose password was proved against `passwordHash`.
 * Refuses as `invalid_credentials` where the account changed in the meantime.
 */
export async function startSession(
  ports: StartSessionPorts,
  account: { readonly userId: string; readonly passwordHash: string },
  wish: SessionRequest,
  actor: Actor
): Promise<Credentials> {
  const { policy, entropy } = ports
  const secret = entropy.bytes(32)
  const life = sessionLifeSeconds(wish.mode, policy)
  const created = await ports.sessions.create(
    {
      id: entropy.uuid(),
      userId: account.userId,
      mode: wish.mode,
      secretHash: ports.digest(secret),
      device: wish.device ?? null,
      userAgent: actor.userAgent ?? null,
      ip: actor.ip ?? null,
      amr: ['pwd'],
      idleTtlSeconds: life.idle,
      absoluteTtlSeconds: life.absolute
    },
    { passwordHash: account.passwordHash, maxPerUser: policy.maxSessionsPerUser, replaces: replacedSid(ports, wish) },
    actor
  )
  if (created === 'user_changed') {
    ports.decisions.note('login', created, { userId: account.userId })
    throw new Refused('invalid_credentials')
  }

  await ports.revocations.announce(created.revocations)
  return issueCredentials(ports, created.session, secret, true)
}

function replacedSid(ports: StartSessionPorts, { replacedToken }: SessionRequest): string | undefined {
  if (replacedToken === undefined) return undefined
  return ports.opaqueTokens.open(replacedToken.kind, replacedToken.token)?.sid
}
