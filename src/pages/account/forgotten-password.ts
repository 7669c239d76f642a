import { client } from '../shared/connection.js'
import { hasPasswords } from '../shared/features.js'
import type { WaitsForMail } from '../shared/sign-in.js'
import { say } from '../shared/words/language.js'
import { closeStep, showStep } from './step.js'

const back = { label: 'continue', run: closeStep } as const

/** Asks for an address, and mails a link for a new password to it. Shows the same text for every address. */
export async function showForgottenPassword(): Promise<void> {
  if (!(await hasPasswords())) return showNoPasswords()
  showStep({
    title: 'forgot_password',
    text: [say('forgot_text')],
    field: 'email',
    submit: {
      label: 'forgot_confirm',
      async run(email) {
        await client.forgotPassword({ email })
        showStep({
          title: 'look_into_mail',
          text: [say('forgot_mailed', { email }), say('look_into_spam')],
          submit: back
        })
      }
    },
    others: [{ label: 'cancel', run: closeStep }]
  })
}

/** Says that nobody signs in with a password here, and with `link` that the link therefore cannot be used. */
export function showNoPasswords(...link: readonly 'no_passwords_link'[]): void {
  const text = [...link, 'sign_in_elsewhere' as const].map((key) => say(key))
  showStep({ title: 'no_passwords_title', text, submit: back })
}

/** Says how to confirm the address of an account that cannot be used before. */
export function showWaiting(why: WaitsForMail, email: string): void {
  if (why === 'registered') {
    const text = [say('registered_mailed', { email }), say('registered_maybe_exists'), say('look_into_spam')]
    showStep({ title: 'look_into_mail', text, submit: back })
  } else {
    const text = [say('confirm_first_mailed', { email }), say('look_into_spam')]
    showStep({ title: 'confirm_first', text, submit: back })
  }
}
