import { baseURL } from './base-url.js'
import { client, hasCode } from './connection.js'
import { byId, element } from './dom.js'
import { features, hasPasswords } from './features.js'
import { clearFaults, showFault } from './fields.js'
import { onSubmit } from './status.js'
import { label, pageLocale, say } from './words/language.js'
import { problemWords } from './words/problem-words.js'

const section = byId('sign-in', HTMLElement)
const title = byId('sign-in-title', HTMLHeadingElement)
const why = byId('sign-in-why', HTMLParagraphElement)
const form = byId('sign-in-form', HTMLFormElement)
const email = byId('email', HTMLInputElement)
const password = byId('password', HTMLInputElement)
const fault = byId('sign-in-fault', HTMLParagraphElement)
const submit = byId('sign-in-submit', HTMLButtonElement)
const links = byId('sign-in-links', HTMLParagraphElement)

let registering = false

/** Why no session has begun: the person must first use the link in a mail. */
export type WaitsForMail = 'registered' | 'email_not_verified'

/**
 * Connects the form. After a successful sign-in, `client.onChange` shows the page. `onWaiting` explains what to do if the
 * address must be confirmed first; without it, the form does.
 */
export function prepareSignIn(onWaiting?: (why: WaitsForMail, email: string) => void): void {
  void offerPasswords()
  onSubmit(form, async () => {
    clearFaults(form)
    const credentials = { email: email.value, password: password.value }
    try {
      if (!registering) await client.login(credentials)
      else if (!(await client.register({ ...credentials, locale: pageLocale() }))) {
        onWaiting?.('registered', credentials.email)
      }
    } catch (error) {
      if (onWaiting === undefined || !hasCode(error, 'email_not_verified')) return showRefusal(error)
      onWaiting('email_not_verified', credentials.email)
    }
    form.reset()
  })
}

/**
 * Adds the link for a forgotten password, if the service sends mail. The form is on the account page. If nobody signs in
 * with passwords, says where to sign in instead of the form.
 */
async function offerPasswords(): Promise<void> {
  if (!(await hasPasswords())) {
    form.hidden = links.hidden = true
    const elsewhere = element('p', {})
    label(elsewhere, 'sign_in_elsewhere')
    form.after(elsewhere)
    return
  }
  if (!(await features()).mail) return
  const link = element('a', { href: new URL('account#forgot', baseURL).href })
  label(link, 'forgot_password')
  links.prepend(link)
}

/** Connects the button that turns the sign-in form into the form for a new account, if registration is open. */
export function prepareRegistration(): void {
  const toggle = byId('sign-in-switch', HTMLButtonElement)
  const rule = byId('password-rule', HTMLParagraphElement)
  void features().then(({ registration }) => {
    toggle.hidden = registration !== 'open'
  })
  toggle.addEventListener('click', () => {
    registering = !registering
    label(title, registering ? 'create_account' : 'sign_in')
    label(submit, registering ? 'create_account' : 'sign_in')
    label(toggle, registering ? 'sign_in_instead' : 'create_account_instead')
    password.autocomplete = registering ? 'new-password' : 'current-password'
    rule.hidden = !registering
    clearFaults(form)
    email.focus()
  })
}

/** Shows the form, with the reason if the user did not sign out here. */
export function showSignIn(reason: string | undefined): void {
  why.textContent = reason ?? ''
  why.hidden = reason === undefined
  section.hidden = false
  focusSignIn()
}

/** Moves the focus to what the user should read or do first. */
export function focusSignIn(): void {
  if (why.hidden && !form.hidden) email.focus()
  else title.focus()
}

/** Hides the form. Returns whether it was visible. */
export function hideSignIn(): boolean {
  const wasVisible = !section.hidden
  section.hidden = true
  return wasVisible
}

function showRefusal(error: unknown): void {
  if (hasCode(error, 'invalid_credentials')) showFault(password, say('wrong_email_or_password'))
  else if (hasCode(error, 'invalid_request')) showFault(email, say('invalid_email'))
  else if (hasCode(error, 'email_taken')) showFault(email, problemWords(error))
  else if (hasCode(error, 'password_too_short', 'password_too_common', 'password_too_long')) {
    showFault(password, problemWords(error))
  } else fault.textContent = problemWords(error)
}
