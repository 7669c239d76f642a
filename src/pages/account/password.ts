import { client, hasCode, withRecentLogin } from '../shared/connection.js'
import { byId } from '../shared/dom.js'
import { hasPasswords } from '../shared/features.js'
import { clearFaults, showFault } from '../shared/fields.js'
import type { Me } from '../shared/responses.js'
import { onSubmit, showStatus } from '../shared/status.js'
import { label, say } from '../shared/words/language.js'
import { problemWords } from '../shared/words/problem-words.js'

const section = byId('password-section', HTMLElement)
const form = byId('password-form', HTMLFormElement)
const user = byId('password-user', HTMLInputElement)
const current = byId('current-password', HTMLInputElement)
const currentPart = byId('current-password-part', HTMLDivElement)
const hint = byId('password-hint', HTMLParagraphElement)
const next = byId('new-password', HTMLInputElement)

/** Connects the password form. The new session makes the page load its data again. */
export function preparePassword(): void {
  onSubmit(form, async () => {
    clearFaults(form)
    if (!current.disabled && next.value === current.value) return showFault(next, say('password_same'))
    try {
      const currentPassword = current.disabled ? {} : { currentPassword: current.value }
      await withRecentLogin(() => client.changePassword({ ...currentPassword, newPassword: next.value }))
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

/**
 * Shows the form for the user, if people sign in with passwords and the account can have one: it has an address. Password managers read the user name from a hidden field of
 * it.
 */
export async function showPasswordForm({ email, has_password: hasPassword }: Me): Promise<void> {
  const isPossible = email !== null || hasPassword
  section.hidden = !isPossible || !(await hasPasswords())
  user.defaultValue = email ?? ''
  currentPart.hidden = current.disabled = !hasPassword
  label(hint, hasPassword ? 'password_hint' : 'no_password_hint')
}

/** The field to begin with. */
export const passwordStart = (): HTMLElement => (current.disabled ? next : current)
