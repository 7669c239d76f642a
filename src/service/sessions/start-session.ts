import { sessionLifeSeconds } from '../../core/policy.js'
import type { Mode } from '../../core/vocabulary.js'
import type { Actor, Ports, SessionUser } from '../../ports/index.js'
import { Refused } from '../refused.js'
import { type ClaimsOfRequest, claimsOfRequest } from './claims-of-request.js'
import {
  endSessionOfToken,
  type HeldToken,
  noteReuse,
  type ReusePorts,
  type SessionToEnd,
  sessionsOfTokens
} from './held-token.js'
import { type Credentials, type IssuingPorts, issueCredentials } from './issue-credentials.js'

export type StartSessionPorts = IssuingPorts & ReusePorts & Pick<Ports, 'digest' | 'events'>

/** The session that a client asks for. */
export interface SessionRequest {
  readonly mode: Mode
  readonly device: string | undefined
  /** The refresh or session tokens that the client still holds. Their sessions are replaced (ASVS 7.2.4). */
  readonly replacedTokens: readonly HeldToken[]
}

/** The id of a session that is about to be created, and the claims of its access token. */
export interface PlannedSession {
  readonly id: string
  readonly claims: ClaimsOfRequest
}

/** How a user was authenticated (RFC 8176), and when, in milliseconds since the epoch; now if undefined. */
export interface Authentication {
  readonly amr: readonly string[]
  readonly authTime?: number | undefined
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
 * Calls the host's function for the claims of a session that is about to be created, if there is one: it can fail, and
 * then nothing must have been written. `startSession` does so itself, unless it gets the result.
 */
export async function planSession(
  ports: Pick<Ports, 'addedClaims' | 'entropy' | 'clock'>,
  user: SessionUser,
  { amr, authTime = ports.clock.now() }: Authentication,
  { mode, device }: Pick<SessionRequest, 'mode' | 'device'>,
  actor: Actor
): Promise<PlannedSession> {
  const id = ports.entropy.uuid()
  const claims = claimsOfRequest(ports)
  if (ports.addedClaims.callsHost && mode !== 'session') {
    const { userAgent = null, ip = null } = actor
    await claims({ id, mode, device: device ?? null, userAgent, ip, amr, authTime, user })
  }
  return { id, claims }
}

/**
 * Creates a session with a new id for a user who was authenticated by the methods `amr` (RFC 8176) while the account
 * had `passwordHash`. Null: a host has proved the identity. Refuses with `invalid_credentials` if the account changed in
 * the meantime. With `isNewDevice` the owner gets a notice, as `SessionStore.create` says.
 */
export async function startSession(
  ports: StartSessionPorts,
  account: Authentication & {
    readonly user: SessionUser
    readonly passwordHash: string | null
    readonly isNewDevice?: boolean
    readonly planned?: PlannedSession | undefined
  },
  request: SessionRequest,
  actor: Actor
): Promise<Credentials> {
  const { policy, entropy } = ports
  const { user, amr, authTime } = account
  const { id, claims } = account.planned ?? (await planSession(ports, user, account, request, actor))
  const held = await sessionsOfTokens(ports, request.replacedTokens, 'replaced')
  const secret = entropy.bytes(32)
  const life = sessionLifeSeconds(request.mode, policy)
  const created = await ports.sessions.create(
    {
      id,
      userId: user.id,
      mode: request.mode,
      secretHash: ports.digest(secret),
      device: request.device ?? null,
      userAgent: actor.userAgent ?? null,
      ip: actor.ip ?? null,
      amr,
      authTime,
      idleTtlSeconds: life.idle,
      absoluteTtlSeconds: life.absolute
    },
    {
      passwordHash: account.passwordHash,
      maxPerUser: policy.maxSessionsPerUser,
      replaces: held[0]?.target.sid,
      replacedReason: held[0]?.reason,
      isNewDevice: account.isNewDevice ?? false
    },
    actor
  )
  if (created === 'user_changed') {
    ports.decisions.note('login', created, { userId: user.id })
    throw new Refused('invalid_credentials')
  }

  if (account.isNewDevice) ports.mail.wake()
  await ports.revocations.announce(created.revocations)
  const ended = new Map(created.revocations.map(({ sid, reason }) => [sid, reason]))
  for (const session of held) {
    const { sid } = session.target
    if (ended.get(sid) === session.reason) noteReuse(ports, sid, session.reason)
    else await endReplaced(ports, session, actor)
  }
  return issueCredentials(ports, created.session, secret, true, claims)
}

/**
 * Ends one more session that the client held. Whatever the reason, the event log then also says that the session was
 * replaced: another tab may be refreshing with the old cookie, and the answer must not delete the new one.
 */
async function endReplaced(ports: StartSessionPorts, session: SessionToEnd, actor: Actor): Promise<void> {
  if (await endSessionOfToken(ports, session, actor, { isReplaced: true })) return
  const { sid } = session.target
  const ending = await ports.events.endingOf(sid)
  if (ending === undefined || ending.reason === 'replaced' || ending.alsoReplaced) return
  await ports.events.record({ type: 'session_ended', sessionId: sid, reason: 'replaced' }, actor)
}
