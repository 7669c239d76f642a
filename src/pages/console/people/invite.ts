import { client, hasCode, request } from '../../shared/connection.js'
import { byId, element } from '../../shared/dom.js'
import { features, hasPasswords } from '../../shared/features.js'
import type { NewUser } from '../../shared/responses.js'
import { onClick, onSubmit, showStatus } from '../../shared/status.js'
import { problemWords } from '../../shared/words/problem-words.js'
import { showLink } from '../once-dialog.js'
import { wordsOf } from './roles.js'

const open = byId('invite', HTMLButtonElement)
const dialog = byId('invite-dialog', HTMLDialogElement)
const form = byId('invite-form', HTMLFormElement)
const email = byId('invite-email', HTMLInputElement)
const roles = byId('invite-roles', HTMLInputElement)
const locale = byId('invite-locale', HTMLSelectElement)
const choice = byId('invite-choice', HTMLLabelElement)
const byLink = byId('invite-link', HTMLInputElement)
const fault = byId('invite-fault', HTMLParagraphElement)
const cancel = byId('invite-cancel', HTMLButtonElement)

/** Connects the dialog. `show` shows the new person. */
export function prepareInvite(show: (userId: string) => Promise<void>): void {
  onClick(open, async () => {
    form.reset()
    fault.textContent = ''
    choice.hidden = !(await features()).mail
    byLink.checked = choice.hidden
    dialog.showModal()
    email.focus()
  })
  onSubmit(form, async () => {
    fault.textContent = ''
    const invite = byLink.checked ? 'link' : 'mail'
    const body = { email: email.value, roles: wordsOf(roles.value), locale: locale.value, invite }
    const made = await request<NewUser>('POST', 'admin/users', body).catch((error) => {
      fault.textContent = faultWords(error)
      return undefined
    })
    if (made === undefined) return
    dialog.close()
    const { user, link } = made
    await show(user.id)
    if (link === undefined) showStatus(`An invitation to ${user.email} is on its way.`)
    else showLink({ heading: `Invitation for ${user.email}`, link, life: 'for 7 days' })
  })
  cancel.addEventListener('click', () => dialog.close())
  client.onChange(({ status }) => {
    if (status === 'signed_out') dialog.close()
  })
}

/** Offers invitations if the service allows them, and mails in its languages. */
export async function loadInvite(): Promise<void> {
  const { registration, locales = ['en'] } = await features()
  open.hidden = registration === 'closed' || !(await hasPasswords())
  if (dialog.open) return
  const names = new Intl.DisplayNames('en', { type: 'language' })
  locale.replaceChildren(...locales.map((tag) => element('option', { value: tag }, names.of(tag) ?? tag)))
}

const faultWords = (error: unknown) =>
  hasCode(error, 'email_taken') ? 'An account with this address already exists.' : problemWords(error)
