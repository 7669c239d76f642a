import { byId, element } from './dom.js'

const dialog = byId('dialog', HTMLDialogElement)
const form = byId('dialog-form', HTMLFormElement)
const title = byId('dialog-title', HTMLHeadingElement)
const text = byId('dialog-text', HTMLParagraphElement)
const fields = byId('dialog-fields', HTMLDivElement)
const cancel = byId('dialog-cancel', HTMLButtonElement)
const confirm = byId('dialog-confirm', HTMLButtonElement)

export interface Question {
  readonly title: string
  readonly text: string
  /** The label of the button that confirms. */
  readonly confirm: string
  readonly dangerous?: boolean
  readonly field?: {
    readonly label: string
    readonly value?: string
    readonly maxLength?: number
    readonly required?: boolean
    /** A password is hidden, and taken exactly as typed. */
    readonly type?: 'text' | 'email' | 'password'
    /** Why the last answer was refused. */
    readonly fault?: string
  }
  readonly choice?: string
}

export interface Answer {
  readonly value: string
  readonly chosen: boolean
}

/** Settles the question that the dialog shows or showed last, and closes the dialog. */
let settle = (_confirmed: boolean): void => undefined

/** Asks the user to confirm. Resolves to undefined if the user cancels. */
export function ask(question: Question): Promise<Answer | undefined> {
  title.textContent = question.title
  text.textContent = question.text
  confirm.textContent = question.confirm
  confirm.className = question.dangerous ? 'danger' : 'primary'
  const { input, box } = fieldsOf(question)
  dialog.showModal()
  input?.select()
  if (input === undefined) cancel.focus()

  return new Promise((resolve) => {
    settle = (confirmed) => {
      dialog.close()
      const typed = input?.value ?? ''
      const value = question.field?.type === 'password' ? typed : typed.trim()
      // Leave no password in the page.
      fields.replaceChildren()
      resolve(confirmed ? { value, chosen: box?.checked ?? false } : undefined)
    }
  })
}

/** Closes the dialog as if the user had cancelled. */
export function closeDialog(): void {
  settle(false)
}

cancel.addEventListener('click', closeDialog)
form.addEventListener('submit', (event) => {
  event.preventDefault()
  settle(true)
})
// A browser may deliver the next key before the `close` event, so that event settles only what no other event has.
dialog.addEventListener('cancel', closeDialog)
dialog.addEventListener('close', () => {
  if (!dialog.open) closeDialog()
})

function fieldsOf({ field, choice }: Question) {
  const input =
    field &&
    element('input', {
      id: 'dialog-field',
      type: field.type ?? 'text',
      autocomplete: field.type === 'password' ? 'current-password' : (field.type ?? 'off'),
      maxlength: String(field.maxLength ?? 100),
      required: field.required ?? false,
      ...(field.fault && { 'aria-invalid': 'true', 'aria-describedby': 'dialog-fault' })
    })
  const box = choice === undefined ? undefined : element('input', { id: 'dialog-choice', type: 'checkbox' })
  fields.replaceChildren()
  if (field !== undefined && input !== undefined) {
    input.value = field.value ?? ''
    fields.append(
      element('label', { for: 'dialog-field' }, field.label),
      input,
      element('p', { id: 'dialog-fault', class: 'fault' }, field.fault ?? '')
    )
  }
  if (choice !== undefined && box !== undefined) fields.append(element('label', { class: 'choice' }, box, choice))
  return { input, box }
}
