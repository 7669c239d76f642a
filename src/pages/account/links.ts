import { client, hasCode, request, userHasPassword, withRecentLogin } from '../shared/connection.js'
import { byId } from '../shared/dom.js'
import { features, hasPasswords } from '../shared/features.js'
import { showStatus } from '../shared/status.js'
import { type PlainWord, say } from '../shared/words/language.js'
import { showForgottenPassword, showNoPasswords } from './forgotten-password.js'
import { closeStep, showStep } from './step.js'

const whoEmail = byId('who-email', HTMLSpanElement)

interface Kind {
  /** The name in the keys of its texts, such as `reset_title`, `reset_done_text` and `dead_reset`. */
  readonly words: 'reset' | 'verify' | 'confirm_email' | 'undo_email' | 'invitation'
  readonly setsPassword?: boolean
  /** Whether it ends sessions, possibly that of this browser too. */
  readonly endsSessions?: boolean
  /** Resolves to true if it has begun a session. */
  use(token: string, newPassword: string): Promise<unknown>
}

const resetPassword = (token: string, newPassword: string) => client.resetPassword({ token, newPassword })

/** The links of mails, by the name before the token in the address: `#reset=TOKEN`. */
const kinds = {
  reset: { words: 'reset', setsPassword: true, endsSessions: true, use: resetPassword },
  invitation: { words: 'invitation', setsPassword: true, endsSessions: true, use: resetPassword },
  verify: { words: 'verify', use: (token) => client.verifyEmail({ token }) },
  'confirm-email': { words: 'confirm_email', use: (token) => request('POST', 'email/confirm', { token }) },
  'undo-email': { words: 'undo_email', endsSessions: true, use: (token) => request('POST', 'email/undo', { token }) }
} as const satisfies Readonly<Record<string, Kind>>

export interface Link {
  readonly kind: Kind
  readonly token: string
}

/**
 * Returns the link in the page's address, and removes it from there at once, so that no history, bookmark or screenshot
 * has its token. Undefined if there is none.
 */
export function takeLink(): Link | undefined {
  const [, name = '', token = ''] = /^#([a-z-]+)=(.+)$/.exec(location.hash) ?? []
  if (!Object.hasOwn(kinds, name)) return undefined
  history.replaceState(null, '', location.pathname + location.search)
  return { kind: kinds[name as keyof typeof kinds], token }
}

/**
 * Says what the link does, and does it on a click, because mail scanners load pages. `reload` shows the account anew.
 */
export async function showLink({ kind, token }: Link, reload: () => Promise<void>): Promise<void> {
  const { words, setsPassword, use } = kind
  const isWithPasswords = await hasPasswords()
  if (setsPassword && !isWithPasswords) return showNoPasswords('no_passwords_link')
  const text: PlainWord = words === 'undo_email' && !isWithPasswords ? 'undo_email_text_no_password' : `${words}_text`
  const warning = words === 'verify' && isWithPasswords ? [say('verify_warning')] : []
  showStep({
    title: `${words}_title`,
    text: [say(text), ...warning, ...signedInAs().map((text) => `${text} ${say('link_for_any_account')}`)],
    field: setsPassword ? 'new_password' : undefined,
    submit: {
      label: `${words}_confirm`,
      async run(newPassword) {
        try {
          const hasBegunSession = (await use(token, newPassword)) === true
          // If the reload fails, nobody must be named: another person may have been signed in before.
          if (hasBegunSession) whoEmail.textContent = ''
          await followUp(kind, reload)
          if (hasBegunSession && !userHasPassword()) showFirstPassword()
          else await showDone(kind, hasBegunSession)
        } catch (error) {
          if (!hasCode(error, 'invalid_or_expired_token')) throw error
          await showDead(kind)
        }
      }
    },
    others: [{ label: 'cancel', run: closeStep }]
  })
}

/** Finds out whether this browser is still signed in, and shows the new state of the account. */
async function followUp({ endsSessions }: Kind, reload: () => Promise<void>): Promise<void> {
  if (!isSignedIn()) return
  // The link has succeeded, so ignore failures here: the page tries again by itself.
  await (endsSessions ? client.refresh() : reload()).catch(() => undefined)
}

async function showDone({ words }: Kind, hasBegunSession: boolean): Promise<void> {
  const isUndone = words === 'undo_email'
  if (isUndone && !(await hasPasswords())) return showUndoneWithoutPasswords()
  const done = [say(`${words}_done_text`), ...(isUndone ? [say('undo_email_done_next')] : [])]
  const goOn = isSignedIn() ? 'to_account' : isUndone ? 'continue' : 'sign_in'
  // A stranger may have chosen the password. Only a mailed link sets another one without it.
  const otherPassword = { label: 'new_password_by_mail', run: showForgottenPassword } as const
  showStep({
    title: `${words}_done`,
    text: hasBegunSession ? [...nowSignedInAs(), say('verify_done_password')] : [...done, ...signedInAs()],
    submit: { label: goOn, run: closeStep },
    others: hasBegunSession ? [otherPassword] : isUndone ? [{ label: 'new_link', run: showForgottenPassword }] : []
  })
}

function showUndoneWithoutPasswords(): void {
  showStep({
    title: 'undo_email_done',
    text: [say('undo_email_done_text_no_password'), say('sign_in_elsewhere')],
    submit: { label: 'continue', run: closeStep }
  })
}

/** After a confirmation that no password of the registrations has survived. */
function showFirstPassword(): void {
  showStep({
    title: 'verify_done',
    text: [...nowSignedInAs(), say('verify_done_no_password')],
    field: 'new_password',
    submit: {
      label: 'set_password',
      async run(newPassword) {
        await withRecentLogin(() => client.changePassword({ newPassword }))
        closeStep()
        showStatus(say('password_set'))
      }
    },
    others: [{ label: 'to_account', run: closeStep }]
  })
}

async function showDead({ words }: Kind): Promise<void> {
  const { mail } = await features()
  const isWithPasswords = await hasPasswords()
  const goOn = { label: isSignedIn() ? 'to_account' : 'sign_in', run: closeStep } as const
  const newLink = { label: 'new_link', run: showForgottenPassword } as const
  const sendAgain = { label: 'send_again', run: sendVerification } as const
  const isToVerify = words === 'verify' && isSignedIn()
  const remedy = isToVerify ? sendAgain : mail && words === 'reset' ? newLink : undefined
  const isForApp = words === 'verify' && !isWithPasswords
  const text: readonly PlainWord[] = isToVerify
    ? ['dead_verify_signed_in']
    : isForApp
      ? ['sign_in_elsewhere', 'dead_verify_signed_in']
      : [`dead_${words}`]
  const isNewLinkOffered = mail && isWithPasswords && (words === 'invitation' || words === 'verify')
  showStep({
    title: 'dead_title',
    text: [say('dead_text'), ...text.map((key) => say(key))],
    submit: remedy ?? goOn,
    others: remedy ? [goOn] : isNewLinkOffered ? [newLink] : []
  })
}

async function sendVerification(): Promise<void> {
  await request('POST', 'email/verification')
  showStep({
    title: 'look_into_mail',
    text: [say('verification_mailed', { email: whoEmail.textContent }), say('look_into_spam')],
    submit: { label: 'to_account', run: closeStep }
  })
}

const isSignedIn = () => client.state.status === 'signed_in'

/** After a link has begun a session. The link may be a stranger's, and so the account too: say which one it is. */
function nowSignedInAs(): readonly string[] {
  const email = whoEmail.textContent
  return email === '' ? [] : [say('verify_done_signed_in', { email })]
}

function signedInAs(): readonly string[] {
  const email = whoEmail.textContent
  return isSignedIn() && email !== '' ? [say('signed_in_as', { email })] : []
}
