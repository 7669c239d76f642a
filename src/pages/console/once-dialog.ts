import { client } from '../shared/connection.js'
import { byId } from '../shared/dom.js'

const dialog = byId('once-dialog', HTMLDialogElement)
const title = byId('once-title', HTMLHeadingElement)
const text = byId('once-text', HTMLParagraphElement)
const label = byId('once-label', HTMLLabelElement)
const field = byId('once-field', HTMLInputElement)
const copy = byId('once-copy', HTMLButtonElement)
const copied = byId('once-copied', HTMLParagraphElement)
const done = byId('once-done', HTMLButtonElement)

interface Shown {
  readonly heading: string
  readonly text: string
  /** What the value is. */
  readonly label: string
  readonly value: string
}

/** Shows a text until the admin closes the dialog. It cannot be shown again. */
export function showOnce(shown: Shown): void {
  title.textContent = shown.heading
  text.textContent = shown.text
  label.textContent = shown.label
  field.value = shown.value
  copied.textContent = ''
  dialog.showModal()
  field.focus()
  // Select it backwards, so that the field shows the beginning.
  field.setSelectionRange(0, shown.value.length, 'backward')
}

/** Shows a one-time link. `life` says how long it works. */
export function showLink({ heading, link, life }: { heading: string; link: string; life: string }): void {
  const text = `Hand it over in a way that only this person can read. It works once, ${life}. It is shown only now.`
  showOnce({ heading, text, label: 'One-time link', value: link })
}

copy.addEventListener('click', async () => {
  field.select()
  const what = label.textContent.toLowerCase()
  try {
    await navigator.clipboard.writeText(field.value)
    copied.textContent = `The ${what} is copied.`
  } catch {
    copied.textContent = `The browser does not allow this. The ${what} is selected: copy it by hand.`
  }
})
done.addEventListener('click', () => dialog.close())
dialog.addEventListener('close', () => {
  field.value = ''
})
// The next user of this screen must not find the text.
client.onChange(({ status }) => {
  if (status === 'signed_out') dialog.close()
})
