import { client } from '../../shared/connection.js'
import { byId } from '../../shared/dom.js'

const dialog = byId('link-dialog', HTMLDialogElement)
const title = byId('link-title', HTMLHeadingElement)
const text = byId('link-text', HTMLParagraphElement)
const field = byId('link-field', HTMLInputElement)
const copy = byId('link-copy', HTMLButtonElement)
const copied = byId('link-copied', HTMLParagraphElement)
const done = byId('link-done', HTMLButtonElement)

/** Shows a one-time link until the admin closes the dialog. It cannot be shown again. `life` says how long it works. */
export function showLink({ heading, link, life }: { heading: string; link: string; life: string }): void {
  title.textContent = heading
  text.textContent = `Hand it over in a way that only this person can read. It works once, ${life}. It is shown only now.`
  field.value = link
  copied.textContent = ''
  dialog.showModal()
  field.focus()
  // Select it backwards, so that the field shows the beginning of the link.
  field.setSelectionRange(0, link.length, 'backward')
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
