import { client, hasCode } from '../shared/connection.js'
import { byId } from '../shared/dom.js'
import { problemWords } from '../shared/problem-words.js'
import { onSubmit, showStatus } from '../shared/status.js'

const form = byId('password-form', HTMLFormElement)
const user = byId('password-user', HTMLInputElement)
const current = byId('current-password', HTMLInputElement)
const next = byId('new-password', HTMLInputElement)
const fault = byId('password-fault', HTMLParagraphElement)

/** Connects the password form. The new session makes the page load its data again. */
export function preparePassword(): void {
  onSubmit(form, async () => {
    fault.textContent = ''
    for (const field of [current, next]) field.removeAttribute('aria-invalid')
    try {
      await client.changePassword({ currentPassword: current.value, newPassword: next.value })
    } catch (error) {
      const wrong = hasCode(error, 'invalid_credentials') ? current : next
      fault.textContent = wrong === current ? 'The current password is wrong.' : problemWords(error)
      wrong.ariaInvalid = 'true'
      wrong.select()
      return
    }
    form.reset()
    showStatus('The password is changed, and all other devices are signed out.')
  })
}

/** Password managers read the user name from a hidden field of the form. */
export function showPasswordOwner(email: string): void {
  user.defaultValue = email
}
