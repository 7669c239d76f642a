import type { Me } from './answers.js'
import { client, request } from './connection.js'
import { closeDialog } from './dialog.js'
import { byId } from './dom.js'
import { signedOutWords } from './event-words.js'
import { hideSignIn, prepareSignIn, showSignIn } from './sign-in.js'
import { attempt, onClick, say } from './status.js'

const who = byId('who', HTMLDivElement)
const whoEmail = byId('who-email', HTMLSpanElement)
const signOut = byId('sign-out', HTMLButtonElement)
const signedIn = byId('signed-in', HTMLDivElement)
const title = byId('title', HTMLHeadingElement)

/** How often a page that is looked at asks whether anything has changed. */
const reloadMilliseconds = 20_000

/**
 * Runs a page: the form for whoever is not signed in, and what `load` fills in for whoever is. It is
 * called again when the page comes back to the front, and regularly while it is there.
 */
export async function runPage(load: (me: Me) => Promise<void>): Promise<void> {
  const show = async () => {
    const me = await request<Me>('GET', 'me')
    await load(me)
    whoEmail.textContent = me.email
    const wasSignedOut = hideSignIn()
    who.hidden = signedIn.hidden = false
    if (wasSignedOut) title.focus()
  }
  const leave = (reason: string | undefined) => {
    who.hidden = signedIn.hidden = true
    // Whoever comes next to this screen finds nothing of whoever was here.
    for (const part of document.querySelectorAll('[data-personal]')) part.replaceChildren()
    closeDialog()
    say('')
    showSignIn(reason && signedOutWords(reason))
  }
  // Whoever signs in or out in another tab does so here.
  client.onChange((state) => {
    if (state.status === 'signed_in') void attempt(show)
    if (state.status === 'signed_out') leave(state.reason)
  })
  prepareSignIn()
  onClick(signOut, () => client.logout())

  const lookAgain = () => {
    if (document.visibilityState !== 'visible' || client.state.status === 'signed_out') return
    // What fails in the background is tried again in the background.
    void (client.state.status === 'unknown' ? client.refresh() : show()).catch(() => undefined)
  }
  // Also of a page out of the back-forward cache, which shows what was.
  document.addEventListener('visibilitychange', lookAgain)
  setInterval(lookAgain, reloadMilliseconds)
  await attempt(client.refresh)
}
