import { byId, element } from './dom.js'

const dialog = byId('dialog', HTMLDialogElement)
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
  }
  readonly choice?: string
}

export interface Answer {
  readonly value: string
  readonly chosen: boolean
}

/** Asks the user to confirm. Resolves to undefined if the user cancels. */
export function ask(question: Question): Promise<Answer | undefined> {
  title.textContent = question.title
  text.textContent = question.text
  confirm.textContent = question.confirm
  confirm.className = question.dangerous ? 'danger' : 'primary'
  const { input, box } = fieldsOf(question)
  dialog.returnValue = ''
  dialog.showModal()
  input?.select()
  if (input === undefined) cancel.focus()

  return new Promise((resolve) => {
    const settle = () => {
      const confirmed = dialog.returnValue === confirm.value
      resolve(confirmed ? { value: input?.value.trim() ?? '', chosen: box?.checked ?? false } : undefined)
    }
    dialog.addEventListener('close', settle, { once: true })
  })
}

cancel.addEventListener('click', closeDialog)

/** Closes the dialog as if the user had cancelled. */
export function closeDialog(): void {
  dialog.close()
}

function fieldsOf({ field, choice }: Question) {
  const input =
    field &&
    element('input', {
      id: 'dialog-field',
      type: 'text',
      autocomplete: 'off',
      maxlength: String(field.maxLength ?? 100),
      required: field.required ?? false
    })
  const box = choice === undefined ? undefined : element('input', { id: 'dialog-choice', type: 'checkbox' })
  fields.replaceChildren()
  if (field !== undefined && input !== undefined) {
    input.value = field.value ?? ''
    fields.append(element('label', { for: 'dialog-field' }, field.label), input)
  }
  if (choice !== undefined && box !== undefined) fields.append(element('label', { class: 'choice' }, box, choice))
  return { input, box }
}
