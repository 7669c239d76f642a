import { request } from '../shared/connection.js'
import { byId } from '../shared/dom.js'
import { onSubmit } from '../shared/status.js'

const form = byId('everybody-form', HTMLFormElement)
const typed = byId('everybody-confirm', HTMLInputElement)
const fault = byId('everybody-fault', HTMLParagraphElement)

const confirmation = 'revoke-all'

/** Connects the form that ends everybody's sessions. It ends the admin's own session too, so the page returns to sign-in. */
export function prepareEverybody(): void {
  onSubmit(form, async () => {
    const confirmed = typed.value === confirmation
    fault.textContent = confirmed ? '' : `Nothing was ended. Type ${confirmation} to confirm.`
    typed.ariaInvalid = confirmed ? null : 'true'
    if (!confirmed) return typed.focus()
    await request('POST', 'admin/sessions/revoke-all', { confirm: confirmation })
    form.reset()
    await request('GET', 'me')
  })
}
