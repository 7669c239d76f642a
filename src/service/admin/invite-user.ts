import { noPasswordHash } from '../../core/password-policy.js'
import type { Actor, AddressedUser, MadeLink, Ports, User } from '../../ports/index.js'
import { requireEmail, requireInvitations } from '../accounts/account-rules.js'
import { newMail, requireMail } from '../mail/new-mail.js'
import { type LinkPorts, makeLink } from '../mail/one-time-links.js'
import { Refused } from '../refused.js'

export type InvitePorts = LinkPorts & Pick<Ports, 'users' | 'links' | 'mail' | 'policy'>

/** How an invitation reaches the person: by mail, or by a link that is handed over. */
export type Delivery = 'mail' | 'link'

export interface InvitedUser {
  readonly user: User
  /** The one-time link, if it was asked for. A secret. */
  readonly url: string | undefined
}

/**
 * Creates an account without a password for an admin. Its address counts as verified. With `invite`, the person gets a
 * link to set the password. Without it, the person needs a password reset to get in.
 */
export async function createInvitedUser(
  ports: InvitePorts,
  input: {
    readonly email: string
    readonly roles: readonly string[]
    readonly locale: string | undefined
    readonly invite: Delivery | undefined
  },
  actor: Actor
): Promise<InvitedUser> {
  if (ports.policy.registration === 'closed') throw new Refused('registration_closed')
  const { roles, locale, invite } = input
  if (invite !== undefined) requireInvitations(ports)
  if (invite === 'mail') requireMail(ports)
  const email = requireEmail(input.email)
  const [id, passwordHash] = [ports.entropy.uuid(), noPasswordHash(ports.entropy.uuid())]
  const user = { id, email, passwordHash, roles, locale, emailVerified: true }
  if (invite === undefined) return { user: created(await ports.users.create(user, actor)), url: undefined }

  const { made, url } = invitationOf(ports, { ...user, email: email.address }, invite)
  const invited = created(await ports.users.createWithLink(user, made, actor))
  ports.mail.wake()
  return { user: invited, url }
}

/** Sends another invitation to a user who has not set a password. Earlier ones stay valid until one of them is used. */
export async function inviteAgain(
  ports: InvitePorts,
  user: AddressedUser,
  invite: Delivery,
  actor: Actor
): Promise<InvitedUser> {
  requireInvitations(ports)
  if (invite === 'mail') requireMail(ports)
  const { made, url } = invitationOf(ports, user, invite)
  await ports.links.create(made, actor)
  ports.mail.wake()
  return { user, url }
}

/** The link dies when the account gets a password or another address. */
function invitationOf(
  ports: LinkPorts,
  user: Pick<AddressedUser, 'id' | 'email' | 'passwordHash'> & { readonly locale?: string | null | undefined },
  invite: Delivery
): { readonly made: MadeLink; readonly url: string | undefined } {
  const { id: userId, email: address, locale = null } = user
  const purpose = 'invitation'
  const mailed = invite === 'mail'
  const { link, url } = makeLink(ports, { purpose, userId, address, boundTo: user, mailed })
  const event = { type: 'user_invited', userId, reason: invite } as const
  if (!mailed) return { made: { link, event }, url }
  const recipient = { id: userId, email: address, locale }
  const mail = newMail(ports, recipient, { kind: purpose, parameters: {}, linkId: link.id })
  return { made: { link, mail, event }, url: undefined }
}

function created(user: User | 'email_taken'): User {
  if (user === 'email_taken') throw new Refused(user)
  return user
}
