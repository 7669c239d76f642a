import { baseURL, client, hasCode } from './connection.js'
import { byId } from './dom.js'
import { problemWords } from './problem-words.js'
import type { Features } from './responses.js'
import { onSubmit } from './status.js'

const section = byId('sign-in', HTMLElement)
const title = byId('sign-in-title', HTMLHeadingElement)
const why = byId('sign-in-why', HTMLParagraphElement)
const form = byId('sign-in-form', HTMLFormElement)
const email = byId('email', HTMLInputElement)
const password = byId('password', HTMLInputElement)
const fault = byId('sign-in-fault', HTMLParagraphElement)
const submit = byId('sign-in-submit', HTMLButtonElement)

let registering = false

/** Connects the form. After a successful sign-in, `client.onChange` shows the page. */
export function prepareSignIn(): void {
  onSubmit(form, async () => {
    fault.textContent = ''
    const credentials = { email: email.value, password: password.value }
    try {
      await (registering ? client.register(credentials) : client.login(credentials))
    } catch (error) {
      fault.textContent = refusalWords(error)
      password.select()
      return
    }
    form.reset()
  })

  const toggle = document.getElementById('sign-in-switch')
  if (toggle !== null) void showIfOpen(toggle)
  toggle?.addEventListener('click', () => {
    registering = !registering
    const wording = registering ? registration : signIn
    title.textContent = submit.textContent = wording.title
    toggle.textContent = wording.toggle
    password.autocomplete = wording.autocomplete
    fault.textContent = ''
    email.focus()
  })
}

/** Offers registration only where the service does. */
async function showIfOpen(toggle: HTMLElement): Promise<void> {
  const response = await fetch(new URL('features', baseURL)).catch(() => undefined)
  const features: Partial<Features> | undefined = await response?.json().catch(() => undefined)
  toggle.hidden = features?.registration !== 'open'
}

const signIn = { title: 'Sign in', toggle: 'Create an account instead', autocomplete: 'current-password' } as const
const registration = { title: 'Create an account', toggle: 'Sign in instead', autocomplete: 'new-password' } as const

/** Shows the form, with the reason if the user did not sign out here. */
export function showSignIn(reason: string | undefined): void {
  why.textContent = reason ?? ''
  why.hidden = reason === undefined
  section.hidden = false
  if (reason === undefined) email.focus()
  else title.focus()
}

/** Hides the form. Returns whether it was visible. */
export function hideSignIn(): boolean {
  const wasVisible = !section.hidden
  section.hidden = true
  return wasVisible
}

function refusalWords(error: unknown): string {
  return hasCode(error, 'invalid_credentials') ? 'E-mail or password is wrong.' : problemWords(error)
}
