import { client, hasCode, passwordField, request } from '../shared/connection.js'
import { ask } from '../shared/dialog.js'
import { byId } from '../shared/dom.js'
import { onClick } from '../shared/status.js'
import { say } from '../shared/words/language.js'
import { closeStep, showStep } from './step.js'

const button = byId('delete-account', HTMLButtonElement)

/** Connects the button that deletes the account, after the person has confirmed it with the password. */
export function prepareDeletion(): void {
  onClick(button, async () => {
    for (let fault = ''; ; fault = say('password_wrong')) {
      const answer = await ask({
        title: say('delete_question'),
        text: say('delete_question_text'),
        confirm: say('delete_confirm'),
        dangerous: true,
        field: { ...passwordField(), fault }
      })
      if (answer === undefined) return
      try {
        await request('DELETE', 'me', { password: answer.value })
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
