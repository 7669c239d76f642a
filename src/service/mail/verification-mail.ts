import { readEmail } from '../../core/email.js'
import { mailLimit } from '../../core/rate-limits.js'
import type { Actor, MadeLink, Ports, UserWithPassword } from '../../ports/index.js'
import { newMail } from './new-mail.js'
import { type LinkPorts, makeLink } from './one-time-links.js'

export type MailVerificationPorts = LinkPorts & Pick<Ports, 'links' | 'mail' | 'rateLimits' | 'decisions'>

/**
 * A link that confirms the address of `user`, and its mail. The link dies if the account gets another address or
 * password.
 */
export function verificationOf(
  ports: LinkPorts,
  user: Pick<UserWithPassword, 'id' | 'email' | 'passwordHash' | 'locale'>
): MadeLink {
  const purpose = 'email_verification'
  const { id: userId, email: address } = user
  const { link } = makeLink(ports, { purpose, userId, address, boundTo: user, mailed: true })
  const mail = newMail(ports, user, { kind: purpose, parameters: {}, linkId: link.id })
  return { link, mail, event: { type: 'email_verification_requested', userId } }
}

/** The use of `mailLimit` by one mail to `address`. */
export const mailUse = (address: string) => ({ limit: mailLimit, key: readEmail(address)?.key ?? address })

/** Counts one more mail to `address`, and returns whether the limit allows it. */
export async function mayMail({ rateLimits }: Pick<Ports, 'rateLimits'>, address: string): Promise<boolean> {
  return (await rateLimits.use(mailUse(address))).granted
}

/** Mails a link that confirms the address of an account. Does nothing above `mailLimit`. */
export async function mailVerification(
  ports: MailVerificationPorts,
  user: UserWithPassword,
  actor: Actor
): Promise<void> {
  const about = { userId: user.id }
  if (!(await mayMail(ports, user.email))) return ports.decisions.note('email_verification', 'limited', about)
  await ports.links.create(verificationOf(ports, user), actor)
  ports.mail.wake()
  ports.decisions.note('email_verification', 'requested', about)
}
