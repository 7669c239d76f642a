import { request } from '../../shared/connection.js'
import { type Answer, ask } from '../../shared/dialog.js'
import { features } from '../../shared/features.js'
import type { PasswordReset, User } from '../../shared/responses.js'
import { showStatus } from '../../shared/status.js'
import { exactTime } from '../../shared/words/words.js'
import { showLink } from '../once-dialog.js'
import { noteField, noteOf } from './note.js'

const showHere = 'Show the link here, to be handed over, instead of sending a mail.'

/** Asks the admin, and starts a password reset. Resolves to whether it started. An admin cannot set a password. */
export async function startReset({ id, email }: User): Promise<boolean> {
  const byMail = (await features()).mail ?? false
  const answer = await ask({
    title: `Start a password reset for ${email}?`,
    text: `${byMail ? 'A mail brings a link' : 'You get a link'} with which this person sets a new password. Nothing changes before that. Then all sessions end.`,
    confirm: 'Start reset',
    field: noteField,
    ...(byMail && { choice: showHere })
  })
  if (answer === undefined) return false
  const link = await send(id, { endSessions: false, byMail, answer })
  if (link === undefined) showStatus(`A mail to ${email} with a link for a new password is on its way.`)
  else showLink({ heading: `Password link for ${email}`, ...link })
  return true
}

/** Asks the admin, ends all sessions of an account and removes its password. Resolves to whether it did. */
export async function securedAccount({ id, email }: User): Promise<boolean> {
  const byMail = (await features()).mail ?? false
  const answer = await ask({
    title: `Is the account ${email} compromised?`,
    text: `All its sessions end at once, and its password is removed. Only a one-time link can set a new one. ${byMail ? 'It is mailed to this person. If somebody else may read that mailbox, show it here instead.' : 'It is shown to you next.'}`,
    confirm: 'End all sessions and reset',
    dangerous: true,
    field: noteField,
    ...(byMail && { choice: showHere })
  })
  if (answer === undefined) return false
  const link = await send(id, { endSessions: true, byMail, answer })
  const what = `All sessions of ${email} have ended, and the password is removed.`
  showStatus(link === undefined ? `${what} A mail with a link for a new one is on its way.` : what)
  if (link !== undefined) showLink({ heading: `Password link for ${email}`, ...link })
  return true
}

async function send(
  userId: string,
  { endSessions, byMail, answer }: { endSessions: boolean; byMail: boolean; answer: Answer }
): Promise<{ readonly link: string; readonly life: string } | undefined> {
  const { link, expires_at: expiresAt } = await request<PasswordReset>('POST', `admin/users/${userId}/password-reset`, {
    deliver: byMail && !answer.chosen ? 'mail' : 'link',
    end_sessions: endSessions,
    ...noteOf(answer.value)
  })
  return link === undefined ? undefined : { link, life: `until ${exactTime(expiresAt)}` }
}
