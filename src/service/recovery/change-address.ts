import type { Auth } from '../../core/access-claims.js'
import { type Email, maskedAddress, readEmail } from '../../core/email.js'
import { noPasswordHash } from '../../core/password-policy.js'
import { changeMailLimit, emailChangeLimit } from '../../core/rate-limits.js'
import type { Actor, AddressedUser, NewLink, NewMail, Ports, UndoLink, UserWithPassword } from '../../ports/index.js'
import { hasAddress } from '../../ports/users.js'
import { requireEmail } from '../accounts/account-rules.js'
import { counted } from '../limits.js'
import { newMail, originOf, requireMail } from '../mail/new-mail.js'
import { type LinkPorts, makeLink, openLink, refuseLink } from '../mail/one-time-links.js'
import { mayMail } from '../mail/verification-mail.js'
import { Refused } from '../refused.js'
import { requireRecentLogin } from '../sessions/recent-login.js'

/**
 * Mails a link to the new address. If that has an account already, a mail tells its owner, and nothing else happens: the
 * user learns of other people's accounts neither from the answer nor from its time (ASVS 6.3.8).
 */
export async function requestEmailChange(
  ports: LinkPorts & Pick<Ports, 'users' | 'links' | 'mail' | 'rateLimits' | 'policy' | 'clock'>,
  auth: Auth,
  newEmail: string,
  actor: Actor
): Promise<void> {
  requireMail(ports)
  requireRecentLogin(ports, auth)
  const email = requireEmail(newEmail, 'new_email')
  const user = await ports.users.find(auth.userId)
  if (user === undefined) throw new Refused('session_revoked')
  const asked = [{ limit: emailChangeLimit, key: user.id }]
  await counted(
    ports,
    asked,
    async () => undefined,
    () => true
  )
  const owner = usedBy(await ports.users.findByEmail(email))
  const { granted } = await ports.rateLimits.use({ limit: changeMailLimit, key: email.key })

  const purpose = 'email_change'
  const { link } = makeLink(ports, { purpose, userId: user.id, address: email.address, boundTo: user, mailed: true })
  const isFree = owner === undefined || owner.id === user.id
  const mail = isFree
    ? confirmationMail(ports, user, email, link.id)
    : newMail(ports, owner, { kind: 'account_exists', parameters: {} })
  const event = { type: 'email_change_requested', userId: user.id } as const
  await ports.links.create({ link, mail, event, pretend: !granted }, actor)
  ports.mail.wake()
}

/** The mail to the new address. It names the account by its present address, and never by the new one. */
function confirmationMail(
  ports: Pick<Ports, 'entropy'>,
  user: UserWithPassword,
  email: Email,
  linkId: string
): NewMail {
  const recipient = { ...user, email: email.address }
  if (!hasAddress(user)) return newMail(ports, recipient, { kind: 'email_added', parameters: {}, linkId })
  const parameters = { account: maskedAddress(user.email) }
  return newMail(ports, recipient, { kind: 'email_change', parameters, linkId })
}

type LinkUserPorts = LinkPorts & Pick<Ports, 'links' | 'users' | 'mail' | 'clock'>

/**
 * Gives the account the new address, by the link that was mailed to it.
 *
 * An account has at most one link that undoes changes. It brings back the address that the account had before the first
 * change of the last 7 days, is mailed there at each change, and lives 7 days from the last one. Nobody else gets such a
 * link: a thief who has changed the address could undo its repair.
 */
export async function confirmEmailChange(
  ports: LinkUserPorts & Pick<Ports, 'rateLimits'>,
  token: string,
  actor: Actor
): Promise<void> {
  const link = await openLink(ports, token, ['email_change'])
  const { user } = link
  const email = emailOf(link.address)
  const owner = usedBy(await ports.users.findByEmail(email))
  if (owner !== undefined && owner.id !== user.id) throw new Refused('email_taken')

  const parameters = { new_email: email.address, ...originOf(ports, actor) }
  const undoing = ({ id, address, mailed }: UndoLink) =>
    mailed ? [newMail(ports, { ...user, email: address }, { kind: 'email_changed', parameters, linkId: id })] : []
  const undo = makeUndo(ports, user)
  const isVerified = user.emailVerifiedAt !== null
  // Anybody can have typed an address that was never verified, so a stranger there may not be flooded.
  const isTold = hasAddress(user) && (isVerified || (await mayMail(ports, user.email)))
  const removed = isTold ? removedNotice(ports, user) : []
  const follow = (first: UndoLink | undefined) => {
    if (first === undefined) return { undo, mails: isVerified ? undoing(undo) : removed }
    // Not the key: another mailbox can have the same one (strasse@, straße@), and may be the thief's.
    if (first.address === email.address) return { undo: 'delete', mails: removed } as const
    return { undo: 'renew', mails: [...undoing(first), ...removed] } as const
  }
  const outcome = await ports.users.changeEmail({ link, email, follow }, { ...actor, userId: user.id })
  if (outcome === 'dead') refuseLink()
  if (outcome === 'email_taken') throw new Refused('email_taken')
  ports.mail.wake()
}

/**
 * The link that brings the address of `user` back. If that was never verified, the link is mailed to nobody and does not
 * keep the address: it only marks the first one, so that later changes make no other link. So it is if there was none.
 */
function makeUndo(ports: LinkPorts, { id: userId, email, emailVerifiedAt }: UserWithPassword): NewLink {
  const address = email ?? ''
  const mailed = emailVerifiedAt !== null
  const reservedEmailKey = mailed ? emailOf(address).key : undefined
  return makeLink(ports, { purpose: 'email_undo', userId, address, mailed, reservedEmailKey }).link
}

/** Tells the address that an account loses. It may be a thief's, so the mail names no other address and no origin. */
function removedNotice(ports: Pick<Ports, 'entropy' | 'clock'>, user: UserWithPassword): readonly NewMail[] {
  const { at } = originOf(ports, {})
  return hasAddress(user) ? [newMail(ports, user, { kind: 'email_removed', parameters: { at } })] : []
}

/**
 * Gives the account its old address back, by the link that was mailed there. Somebody else may have changed it, and a
 * change needs a recent login. So this ends every session, removes the password, makes all other links of the account
 * dead, and mails a link for a new password to the old address, if people sign in with passwords.
 */
export async function undoEmailChange(
  ports: LinkUserPorts & Pick<Ports, 'revocations' | 'policy'>,
  token: string,
  actor: Actor
): Promise<void> {
  const link = await openLink(ports, token, ['email_undo'])
  const { user, address } = link
  const restored = { ...user, email: address, passwordHash: noPasswordHash(ports.entropy.uuid()) }
  const reset = ports.policy.passwordLogin ? mailedReset(ports, restored) : undefined
  const outcome = await ports.users.undoEmailChange(
    {
      link,
      email: emailOf(address),
      noPasswordHash: restored.passwordHash,
      reset: reset?.link,
      mails: [...(reset === undefined ? [] : [reset.mail]), ...removedNotice(ports, user)]
    },
    { ...actor, userId: user.id }
  )
  if (outcome === 'dead') refuseLink()
  if (outcome === 'email_taken') throw new Refused('email_taken')
  await ports.revocations.announce(outcome)
  ports.mail.wake()
}

/** A link for a new password, and the mail that carries it. */
function mailedReset(ports: LinkPorts, user: Pick<AddressedUser, 'id' | 'email' | 'passwordHash' | 'locale'>) {
  const purpose = 'password_reset'
  const { link } = makeLink(ports, { purpose, userId: user.id, address: user.email, boundTo: user, mailed: true })
  return { link, mail: newMail(ports, user, { kind: purpose, parameters: {}, linkId: link.id }) }
}

/** The account that keeps an address for its owner. One that waits for its confirmation does not: anybody may have made it. */
const usedBy = (account: AddressedUser | undefined) => (account?.awaitsConfirmation ? undefined : account)

/** An address that an account has, or that was checked when its link was made. */
function emailOf(address: string): Email {
  const email = readEmail(address)
  if (email === undefined) throw new Error('A stored address cannot be read.')
  return email
}
