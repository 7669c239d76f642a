import { client, hasCode } from '../shared/connection.js'
import { byId } from '../shared/dom.js'
import { clearFaults, showFault } from '../shared/fields.js'
import { onSubmit, showStatus } from '../shared/status.js'
import { say } from '../shared/words/language.js'
import { problemWords } from '../shared/words/problem-words.js'

const form = byId('password-form', HTMLFormElement)
const user = byId('password-user', HTMLInputElement)
const current = byId('current-password', HTMLInputElement)
const next = byId('new-password', HTMLInputElement)

/** Connects the password form. The new session makes the page load its data again. */
export function preparePassword(): void {
  onSubmit(form, async () => {
    clearFaults(form)
    if (next.value === current.value) return showFault(next, say('password_same'))
    try {
      await client.changePassword({ currentPassword: current.value, newPassword: next.value })
    } catch (error) {
      if (hasCode(error, 'invalid_credentials')) return showFault(current, say('password_wrong'))
      if (hasCode(error, 'password_too_short', 'password_too_common', 'password_too_long')) {
        return showFault(next, problemWords(error))
      }
      throw error
    }
    form.reset()
    showStatus(say('password_changed'))
  })
}

/** Password managers read the user name from a hidden field of the form. */
export function showPasswordOwner(email: string): void {
  user.defaultValue = email
}

/** The field to begin with. */
export const passwordStart = (): HTMLElement => current
