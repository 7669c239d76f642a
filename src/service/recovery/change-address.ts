import type { Auth } from '../../core/access-claims.js'
import { type Email, readEmail } from '../../core/email.js'
import { emailChangeLimit, mailLimit } from '../../core/rate-limits.js'
import type { Actor, Ports, UserWithPassword } from '../../ports/index.js'
import { requireEmail } from '../accounts/account-rules.js'
import { counted } from '../limits.js'
import { newMail, originOf, requireMail } from '../mail/new-mail.js'
import { type LinkPorts, makeLink, openLink, refuseLink } from '../mail/one-time-links.js'
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
  const { granted } = await ports.rateLimits.use({ limit: mailLimit, key: email.key })

  const purpose = 'email_change'
  const { link } = makeLink(ports, { purpose, userId: user.id, address: email.address, boundTo: user, mailed: true })
  const mail =
    owner === undefined || owner.id === user.id
      ? newMail(ports, user, { kind: purpose, parameters: {}, linkId: link.id, recipient: email.address })
      : newMail(ports, owner, { kind: 'account_exists', parameters: {} })
  const event = { type: 'email_change_requested', userId: user.id } as const
  await ports.links.create({ link, mail, event, pretend: !granted }, actor)
  ports.mail.wake()
}

type LinkUserPorts = Pick<Ports, 'opaqueTokens' | 'digest' | 'links' | 'users' | 'mail'>

/**
 * Gives the account the new address, by the link that was mailed to it. The old address gets a mail with a link that
 * undoes the change.
 */
export async function confirmEmailChange(
  ports: LinkPorts & LinkUserPorts & Pick<Ports, 'clock'>,
  token: string,
  actor: Actor
): Promise<void> {
  const link = await openLink(ports, token, ['email_change'])
  const { user } = link
  const email = emailOf(link.address)
  const owner = usedBy(await ports.users.findByEmail(email))
  if (owner !== undefined && owner.id !== user.id) throw new Refused('email_taken')

  const { link: undo } = makeLink(ports, {
    purpose: 'email_undo',
    userId: user.id,
    address: user.email,
    mailed: true,
    reservedEmailKey: emailOf(user.email).key
  })
  const parameters = { new_email: email.address, ...originOf(ports, actor) }
  const mails = [newMail(ports, user, { kind: 'email_changed', parameters, linkId: undo.id })]
  const outcome = await ports.users.changeEmail({ link, email, undo, mails }, { ...actor, userId: user.id })
  if (outcome === 'dead') refuseLink()
  if (outcome === 'email_taken') throw new Refused('email_taken')
  ports.mail.wake()
}

/**
 * Gives the account its old address back, by the link that was mailed there, and ends every session: somebody else may
 * have changed it.
 */
export async function undoEmailChange(
  ports: LinkUserPorts & Pick<Ports, 'revocations'>,
  token: string,
  actor: Actor
): Promise<void> {
  const link = await openLink(ports, token, ['email_undo'])
  const undo = { link, email: emailOf(link.address) }
  const outcome = await ports.users.undoEmailChange(undo, { ...actor, userId: link.user.id })
  if (outcome === 'dead') refuseLink()
  if (outcome === 'email_taken') throw new Refused('email_taken')
  await ports.revocations.announce(outcome)
}

/** The account that keeps an address for its owner. One that waits for its confirmation does not: anybody may have made it. */
const usedBy = (account: UserWithPassword | undefined) => (account?.awaitsConfirmation ? undefined : account)

/** An address that an account has, or that was checked when its link was made. */
function emailOf(address: string): Email {
  const email = readEmail(address)
  if (email === undefined) throw new Error('A stored address cannot be read.')
  return email
}
