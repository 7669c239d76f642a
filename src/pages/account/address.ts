import { client, hasCode, request, withRecentLogin } from '../shared/connection.js'
import { ask } from '../shared/dialog.js'
import { byId } from '../shared/dom.js'
import { features, hasPasswords } from '../shared/features.js'
import type { Me } from '../shared/responses.js'
import { onClick, showStatus } from '../shared/status.js'
import { label, say } from '../shared/words/language.js'

const address = byId('address', HTMLSpanElement)
const state = byId('address-state', HTMLSpanElement)
const sendAgain = byId('send-again', HTMLButtonElement)
const hostLogin = byId('host-login', HTMLParagraphElement)
const hint = byId('address-hint', HTMLParagraphElement)
const change = byId('change-address', HTMLButtonElement)

/** Connects the buttons that confirm and change the address. */
export function prepareAddress(): void {
  onClick(sendAgain, async () => {
    await request('POST', 'email/verification')
    showStatus(say('verification_mailed', { email: address.textContent }))
  })
  onClick(change, async () => {
    for (let fault = '', value = ''; ; fault = say('invalid_email')) {
      const answer = await ask({
        title: say('change_address_title'),
        text: say('change_address_text'),
        confirm: say('forgot_confirm'),
        field: { label: say('new_address'), type: 'email', maxLength: 320, required: true, value, fault }
      })
      if (answer === undefined) return
      value = answer.value
      try {
        await withRecentLogin(() => client.changeEmail({ newEmail: value }))
        return showStatus(say('change_address_mailed', { email: value }))
      } catch (error) {
        if (!hasCode(error, 'invalid_request')) throw error
      }
    }
  })
}

/** Shows the address of the account, whether it is confirmed, and whether the login of an app leads to the account too. */
export async function showAddress({ email, email_verified: isVerified, external }: Me): Promise<void> {
  const { mail } = await features()
  address.textContent = email ?? say('no_address')
  state.textContent = say(isVerified ? 'address_confirmed' : 'address_not_confirmed')
  state.className = isVerified ? 'badge good' : 'badge bad'
  // Where nobody can confirm an address, its state says nothing.
  state.hidden = email === null || (!mail && !isVerified)
  sendAgain.hidden = email === null || !mail || isVerified
  change.hidden = !mail
  hostLogin.hidden = !external
  const isWithPasswords = await hasPasswords()
  label(hint, isWithPasswords ? 'address_hint' : 'address_hint_no_password')
  label(hostLogin, isWithPasswords ? 'host_login_hint' : 'host_login_hint_no_password')
}
