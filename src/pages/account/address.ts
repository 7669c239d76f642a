import { client, hasCode, withRecentLogin } from '../shared/connection.js'
import { ask } from '../shared/dialog.js'
import { byId } from '../shared/dom.js'
import { features } from '../shared/features.js'
import type { Me } from '../shared/responses.js'
import { onClick, showStatus } from '../shared/status.js'
import { say } from '../shared/words/language.js'

const address = byId('address', HTMLParagraphElement)
const change = byId('change-address', HTMLButtonElement)

/** Connects the button that changes the address. */
export function prepareAddress(): void {
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

/** Shows the address of the account. */
export async function showAddress({ email }: Me): Promise<void> {
  address.textContent = email
  change.hidden = !(await features()).mail
}
