import { hasCode } from '../shared/connection.js'
import { byId, element } from '../shared/dom.js'
import { clearFaults, showFault } from '../shared/fields.js'
import { focusPage } from '../shared/page.js'
import { onClick, onSubmit, showStatus } from '../shared/status.js'
import { type PlainWord, say } from '../shared/words/language.js'
import { problemWords } from '../shared/words/problem-words.js'
import { sayPasswordRule } from './password-rule.js'

const page = byId('page', HTMLDivElement)
const section = byId('step', HTMLElement)

interface Action {
  readonly label: PlainWord
  /** `typed` is the value of the field, or '' without a field. An error is shown in the step. */
  run(typed: string): void | Promise<void>
}

/** One step of a task that the page shows alone, such as the use of a mailed link. */
interface Step {
  readonly title: PlainWord
  /** Paragraphs: what will happen, or what has happened and what to do next. */
  readonly text: readonly string[]
  readonly field?: 'email' | 'new_password' | undefined
  /** The action of the main button, which Enter also presses. */
  readonly submit: Action
  readonly others?: readonly Action[]
}

/** Shows a step in place of the page, until `closeStep`. */
export function showStep({ title, text, field, submit, others = [] }: Step): void {
  const heading = element('h1', { id: 'step-title', tabindex: '-1' }, say(title))
  const input = field && inputFor(field)
  const fault = element('p', { class: 'fault', role: 'alert' })
  const form = element(
    'form',
    {},
    ...(input === undefined ? [] : [element('label', { for: input.id }, say(field ?? 'email')), ...describedBy(input)]),
    fault,
    element('button', { type: 'submit', class: 'primary' }, say(submit.label)),
    ...others.map(({ label, run }) =>
      onClick(element('button', { type: 'button', class: 'wide' }, say(label)), async () => run(''))
    )
  )
  onSubmit(form, async () => {
    clearFaults(form)
    try {
      await submit.run(input?.value ?? '')
    } catch (error) {
      if (input === undefined || !isAbout(error)) fault.textContent = problemWords(error)
      else showFault(input, hasCode(error, 'invalid_request') ? say('invalid_email') : problemWords(error))
    }
  })
  section.replaceChildren(heading, ...text.map((paragraph) => element('p', {}, paragraph)), form)
  void sayPasswordRule(section)
  holdPage()
  section.hidden = false
  showStatus('')
  heading.focus()
}

/** Hides the page before a step is shown. */
export function holdPage(): void {
  page.hidden = true
}

/** Shows the page again, and removes the step with all that was typed in it. */
export function closeStep(): void {
  section.replaceChildren()
  section.hidden = true
  page.hidden = false
  focusPage()
}

function inputFor(field: 'email' | 'new_password'): HTMLInputElement {
  return field === 'email'
    ? element('input', { ...input, type: 'email', autocomplete: 'username', maxlength: '320' })
    : element('input', { ...input, type: 'password', autocomplete: 'new-password', maxlength: '1024' })
}

const input = { id: 'step-field', required: true, 'aria-describedby': 'step-field-rule step-field-fault' } as const

const describedBy = (input: HTMLInputElement) => [
  input,
  element('p', { id: 'step-field-rule', class: input.type === 'password' ? 'hint password-rule' : 'hint' }),
  element('p', { id: 'step-field-fault', class: 'fault', role: 'alert' })
]

/** Whether an error is about what was typed. */
const isAbout = (error: unknown) =>
  hasCode(error, 'invalid_request', 'password_too_short', 'password_too_common', 'password_too_long')
