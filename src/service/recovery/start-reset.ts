import { noPasswordHash } from '../../core/password-policy.js'
import type { Actor, Ports } from '../../ports/index.js'
import { requireAddress, requirePasswordLogin } from '../accounts/account-rules.js'
import { newMail, requireMail } from '../mail/new-mail.js'
import { type LinkPorts, makeLink } from '../mail/one-time-links.js'
import { Refused } from '../refused.js'

export type StartResetPorts = LinkPorts &
  Pick<Ports, 'policy' | 'users' | 'links' | 'mail' | 'revocations' | 'decisions'>

export interface StartedReset {
  /** The one-time link, if it was asked for. A secret. */
  readonly url: string | undefined
  readonly expiresAt: number
}

/**
 * An admin starts the reset of a user's password, by a mail or by a link to hand over; an admin cannot set a password
 * (ASVS 6.4.6). With `endSessions`, the account counts as compromised: all its sessions end, and the old password is
 * removed, so that only the link gives the account a new one. That happens also if the account has no address, and so can
 * have no link: then it is refused afterwards, and the refusal says so.
 */
export async function startReset(
  ports: StartResetPorts,
  userId: string,
  {
    deliver,
    endSessions,
    note
  }: {
    readonly deliver: 'mail' | 'link'
    readonly endSessions: boolean
    /** Why, for the event log. */
    readonly note?: string | undefined
  },
  actor: Actor
): Promise<StartedReset> {
  requirePasswordLogin(ports)
  if (deliver === 'mail') requireMail(ports)
  const known = await ports.users.find(userId)
  if (known === undefined) throw new Refused('not_found')
  if (endSessions) {
    const change = { noPasswordHash: noPasswordHash(ports.entropy.uuid()), reason: 'revoked_by_admin', note } as const
    await ports.revocations.announce(await ports.users.removePassword(userId, change, actor))
  }
  const found = endSessions ? await ports.users.find(userId) : known
  if (found === undefined) throw new Refused('not_found')
  const done = endSessions ? 'Its sessions have ended and its password is removed, but it' : 'It'
  const user = requireAddress(found, `${done} can have no link for a password.`)

  const purpose = 'password_reset'
  const mailed = deliver === 'mail'
  const { link, url } = makeLink(ports, { purpose, userId, address: user.email, boundTo: user, mailed })
  const mail = mailed ? newMail(ports, user, { kind: purpose, parameters: {}, linkId: link.id }) : undefined
  const event = { type: 'password_reset_started', userId, reason: deliver, note } as const
  const expiresAt = await ports.links.create({ link, mail, event }, actor)
  ports.mail.wake()
  ports.decisions.note('password_reset', 'started', { userId })
  return { url: mailed ? undefined : url, expiresAt }
}
