import { type Email, readEmail } from '../../core/email.js'
import { mailLimit } from '../../core/rate-limits.js'
import type { Actor, AddressedUser, MadeLink, Ports } from '../../ports/index.js'
import { newMail } from './new-mail.js'
import { type LinkPorts, makeLink } from './one-time-links.js'

export type MailVerificationPorts = LinkPorts & Pick<Ports, 'links' | 'mail' | 'rateLimits' | 'decisions'>

/**
 * A link that confirms `address`, a spelling of the address of `user`, and its mail. The link dies if the account gets
 * another address or, once it does not wait for its confirmation, another password.
 */
export function verificationOf(
  ports: LinkPorts,
  user: Pick<AddressedUser, 'id' | 'email' | 'passwordHash' | 'locale'>,
  address = user.email
): MadeLink {
  const purpose = 'email_verification'
  const { id: userId } = user
  const { link } = makeLink(ports, { purpose, userId, address, boundTo: user, mailed: true })
  const mail = newMail(ports, user, { kind: purpose, parameters: {}, linkId: link.id, recipient: address })
  return { link, mail, event: { type: 'email_verification_requested', userId } }
}

/**
 * What is written in place of a confirmation for an address that has an account: as many rows, with a mail that tells the
 * owner so. An owner who has not confirmed the address gets the link by it: above `mailLimit` a login sends none. Otherwise
 * the link is in no mail. Without an account, a link keeps the address for one, and no mail is sent.
 */
export function accountExistsOf(
  ports: LinkPorts,
  account: AddressedUser | undefined,
  address: string,
  isGranted: boolean
): MadeLink {
  const reason = isGranted ? 'account_exists' : 'limited'
  const recipient = account ?? { id: ports.entropy.uuid(), email: address, passwordHash: '', locale: null }
  const made = verificationOf(ports, recipient)
  const event = { ...made.event, userId: account?.id, reason }
  if (account === undefined) return { ...made, event, pretend: true }
  const isUnverified = account.emailVerifiedAt === null && !account.disabled
  const mail = isUnverified
    ? newMail(ports, account, { kind: 'unverified_account_exists', parameters: {}, linkId: made.link.id })
    : newMail(ports, account, { kind: 'account_exists', parameters: {} })
  return { ...made, event, mail, pretend: !isGranted }
}

/**
 * Where mails to `account` go that a person asks for by the address `asked`. A stranger can have registered another
 * spelling of it, such as groß@ for gross@, which can be another mailbox. So until the address is confirmed, each person
 * gets the links at the spelling that they typed, and a used link makes it the address of the account.
 */
export const mailboxOf = (account: AddressedUser, asked: Email): string =>
  account.awaitsConfirmation ? asked.address : account.email

/**
 * The key of a mailbox for limits of mails. Unlike the keys of accounts, it keeps groß@ and gross@ apart: otherwise mails
 * to a stranger's mailbox could use up those of the owner.
 */
export function mailboxKey(address: string): string {
  const domainOf = (text: string) => text.slice(text.lastIndexOf('@'))
  const local = address.slice(0, address.lastIndexOf('@'))
  return local.toLowerCase() + domainOf(readEmail(address)?.key ?? address)
}

/** The use of `mailLimit` by one mail to `address`. */
export const mailUse = (address: string) => ({ limit: mailLimit, key: mailboxKey(address) })

/** Counts one more mail to `address`, and returns whether the limit allows it. */
export async function mayMail({ rateLimits }: Pick<Ports, 'rateLimits'>, address: string): Promise<boolean> {
  return (await rateLimits.use(mailUse(address))).granted
}

/** Mails a link that confirms `address`, a spelling of the address of `user`. Does nothing above `mailLimit`. */
export function mailVerification(
  ports: MailVerificationPorts,
  user: AddressedUser,
  address: string,
  actor: Actor
): Promise<void> {
  return mailWithinLimit(ports, address, user.id, () => verificationOf(ports, user, address), actor)
}

/** Does the work of `mailVerification` for an address that has another account, or none. See `accountExistsOf`. */
export function mailAccountExists(
  ports: MailVerificationPorts,
  account: AddressedUser | undefined,
  address: string,
  actor: Actor
): Promise<void> {
  const make = () => accountExistsOf(ports, account, address, true)
  return mailWithinLimit(ports, account?.email ?? address, account?.id, make, actor)
}

async function mailWithinLimit(
  ports: MailVerificationPorts,
  address: string,
  userId: string | undefined,
  make: () => MadeLink,
  actor: Actor
): Promise<void> {
  if (!(await mayMail(ports, address))) return ports.decisions.note('email_verification', 'limited', { userId })
  await ports.links.create(make(), actor)
  ports.mail.wake()
  ports.decisions.note('email_verification', 'requested', { userId })
}
