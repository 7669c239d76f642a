import { byId } from './dom.js'
import { problemWords } from './words/problem-words.js'

const line = byId('status', HTMLParagraphElement)

/** Shows a message. Screen readers read it out. */
export function showStatus(text: string, kind: 'done' | 'failed' = 'done'): void {
  line.dataset.kind = kind
  line.textContent = text
}

/** Runs an action of the user: clears the last message, and shows an error if the action fails. */
async function perform(action: () => Promise<void>): Promise<void> {
  showStatus('')
  await attempt(action)
}

/** Runs an action, and shows an error if it fails. */
export async function attempt(action: () => Promise<void>): Promise<void> {
  try {
    await action()
  } catch (error) {
    showStatus(problemWords(error), 'failed')
  }
}

/** Runs the action on each click, unless it is still running. */
export function onClick(button: HTMLButtonElement, action: () => Promise<void>): HTMLButtonElement {
  button.addEventListener('click', () => void once(button, action))
  return button
}

/** Runs the action on each submission, unless it is still running. */
export function onSubmit(form: HTMLFormElement, action: () => Promise<void>): void {
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void once(form, action)
  })
}

async function once(owner: HTMLElement, action: () => Promise<void>): Promise<void> {
  if (owner.ariaBusy === 'true') return
  owner.ariaBusy = 'true'
  await perform(action)
  owner.ariaBusy = 'false'
}
