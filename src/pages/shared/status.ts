import { byId } from './dom.js'
import { problemWords } from './problem-words.js'

const line = byId('status', HTMLParagraphElement)

/** Says what has happened, to eyes and to screen readers. */
export function say(text: string, kind: 'done' | 'failed' = 'done'): void {
  line.dataset.kind = kind
  line.textContent = text
}

/** Does something that a person asked for; what goes wrong is said. */
async function perform(action: () => Promise<void>): Promise<void> {
  say('')
  await attempt(action)
}

/** Does something by itself: only what goes wrong is said. */
export async function attempt(action: () => Promise<void>): Promise<void> {
  try {
    await action()
  } catch (error) {
    say(problemWords(error), 'failed')
  }
}

/** A button that works once at a time. */
export function onClick(button: HTMLButtonElement, action: () => Promise<void>): HTMLButtonElement {
  button.addEventListener('click', () => void once(button, action))
  return button
}

/** A form whose submission is an action, once at a time. */
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
