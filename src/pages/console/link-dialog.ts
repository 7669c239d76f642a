import { client } from '../shared/connection.js'
import { byId } from '../shared/dom.js'
import { timeElement } from '../shared/timeline.js'

const dialog = byId('link-dialog', HTMLDialogElement)
const title = byId('link-title', HTMLHeadingElement)
const text = byId('link-text', HTMLParagraphElement)
const field = byId('link-field', HTMLInputElement)
const copy = byId('link-copy', HTMLButtonElement)
const copied = byId('link-copied', HTMLParagraphElement)
const done = byId('link-done', HTMLButtonElement)

/** Shows a one-time link until the admin closes the dialog. It cannot be shown again. */
export function showLink({ heading, link, expiresAt }: { heading: string; link: string; expiresAt: string }): void {
  title.textContent = heading
  text.replaceChildren(
    'Hand it over on a way that only this person can read. It works once, and expires ',
    timeElement(expiresAt),
    '. It is shown only now.'
  )
  field.value = link
  copied.textContent = ''
  dialog.showModal()
  field.select()
}

copy.addEventListener('click', async () => {
  field.select()
  try {
    await navigator.clipboard.writeText(field.value)
    copied.textContent = 'The link is copied.'
  } catch {
    copied.textContent = 'The browser does not allow this. The link is selected: copy it by hand.'
  }
})
done.addEventListener('click', () => dialog.close())
dialog.addEventListener('close', () => {
  field.value = ''
})
// The next user of this screen must not find the link.
client.onChange(({ status }) => {
  if (status === 'signed_out') dialog.close()
})
