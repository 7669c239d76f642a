import { client, request, setUser } from './connection.js'
import { closeDialog } from './dialog.js'
import { byId } from './dom.js'
import type { Me } from './responses.js'
import { focusSignIn, hideSignIn, prepareSignIn, showSignIn, type WaitsForMail } from './sign-in.js'
import { attempt, onClick, showStatus } from './status.js'
import { signedOutWords } from './words/event-words.js'

const who = byId('who', HTMLDivElement)
const whoEmail = byId('who-email', HTMLSpanElement)
const signOut = byId('sign-out', HTMLButtonElement)
const signedIn = byId('signed-in', HTMLDivElement)
const title = byId('title', HTMLHeadingElement)

/** How often a visible page reloads its data. */
const reloadMilliseconds = 20_000

export interface PageParts {
  /** Fills the signed-in part. Runs again when the page becomes visible, and regularly while it is visible. */
  load(me: Me): Promise<void>
  /** Explains what to do if the address must be confirmed first. */
  onWaiting?(why: WaitsForMail, email: string): void
  /** The element that gets the focus after a sign-in; the title by default. */
  start?(): HTMLElement
}

/**
 * Runs a page. Shows the sign-in form, or the signed-in part after `load` has filled it. Resolves once one of them is
 * shown, to a function that loads the signed-in part again.
 */
export async function runPage({ load, onWaiting, start = () => title }: PageParts): Promise<() => Promise<void>> {
  const show = async () => {
    const me = await request<Me>('GET', 'me')
    setUser(me)
    await load(me)
    whoEmail.textContent = me.email ?? ''
    const wasSignedOut = hideSignIn()
    who.hidden = signedIn.hidden = false
    if (wasSignedOut) start().focus()
  }
  const showSignedOut = (reason: string | undefined) => {
    who.hidden = signedIn.hidden = true
    // The next user of this screen must not find data of the previous one.
    for (const part of document.querySelectorAll('[data-personal]')) part.replaceChildren()
    closeDialog()
    showStatus('')
    showSignIn(reason && signedOutWords(reason))
  }
  let shown = Promise.resolve()
  // Signing in or out in another tab applies to this tab too.
  client.onChange((state) => {
    if (state.status === 'signed_in') shown = attempt(show)
    if (state.status === 'signed_out') showSignedOut(state.reason)
  })
  prepareSignIn(onWaiting)
  onClick(signOut, () => client.logout())

  const reloadIfVisible = () => {
    if (document.visibilityState !== 'visible' || client.state.status === 'signed_out') return
    // A background reload fails silently; the next one tries again.
    void (client.state.status === 'unknown' ? client.refresh() : show()).catch(() => undefined)
  }
  // This event also comes when the back-forward cache restores a page, whose data is old.
  document.addEventListener('visibilitychange', reloadIfVisible)
  setInterval(reloadIfVisible, reloadMilliseconds)
  await attempt(client.refresh)
  await shown
  return show
}

/** Moves the focus to the beginning of what is shown. */
export function focusPage(): void {
  if (signedIn.hidden) focusSignIn()
  else title.focus()
}
