import { sessionLifeSeconds } from '../../core/policy.js'
import type { Mode } from '../../core/vocabulary.js'
import type { Actor, Ports } from '../../ports/index.js'
import { Refused } from '../refused.js'
import { type Credentials, type IssuingPorts, issueCredentials } from './issue-credentials.js'

export type StartSessionPorts = IssuingPorts & Pick<Ports, 'digest' | 'decisions'>

/** The session that a client asks for. */
export interface SessionRequest {
  readonly mode: Mode
  readonly device: string | undefined
  /** The refresh or session token that the client still holds. The session it belongs to is replaced (ASVS 7.2.4). */
  readonly replacedToken: { readonly kind: 'refresh' | 'session'; readonly token: string } | undefined
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
      replaces: replacedSid(ports, request)
    },
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
