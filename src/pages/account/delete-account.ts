import { client, hasCode, passwordField, request } from '../shared/connection.js'
import { ask } from '../shared/dialog.js'
import { byId } from '../shared/dom.js'
import type { Me } from '../shared/responses.js'
import { onClick } from '../shared/status.js'
import { say } from '../shared/words/language.js'
import { closeStep, showStep } from './step.js'

const button = byId('delete-account', HTMLButtonElement)

let hasPassword = true

/** Remembers whether the account has a password. Without one, deleting it needs a recent login instead. */
export function showDeletion(me: Me): void {
  hasPassword = me.has_password
}

/** Connects the button that deletes the account. The person confirms with the password, if the account has one. */
export function prepareDeletion(): void {
  onClick(button, async () => {
    for (let fault = ''; ; fault = say('password_wrong')) {
      const answer = await ask({
        title: say('delete_question'),
        text: say('delete_question_text'),
        confirm: say('delete_confirm'),
        dangerous: true,
        ...(hasPassword && { field: { ...passwordField(), fault } })
      })
      if (answer === undefined) return
      try {
        await request('DELETE', 'me', hasPassword ? { password: answer.value } : {})
        break
      } catch (error) {
        if (!hasCode(error, 'invalid_credentials')) throw error
      }
    }
    showStep({
      title: 'deleted_title',
      text: [say('deleted_text')],
      submit: { label: 'deleted_close', run: closeStep }
    })
    // The session has ended with the account. This also removes the cookies.
    await client.logout()
  })
}
