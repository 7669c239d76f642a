import { byId } from '../shared/dom.js'
import { runPage } from '../shared/page.js'
import { prepareRegistration } from '../shared/sign-in.js'
import { speak } from '../shared/words/language.js'
import { loadActivity, prepareActivity } from './activity.js'
import { prepareAddress, showAddress } from './address.js'
import { prepareDeletion } from './delete-account.js'
import { loadDevices, prepareDevices } from './devices.js'
import { showForgottenPassword, showWaiting } from './forgotten-password.js'
import { showLink, takeLink } from './links.js'
import { passwordStart, preparePassword, showPasswordOwner } from './password.js'
import { sayPasswordRule } from './password-rule.js'
import { holdPage } from './step.js'

/** The page /account: the user's address, devices, password and recent activity, and the links of mails. */

// First, before anything can fail.
const link = takeLink()
if (link !== undefined) holdPage()

const title = byId('title', HTMLHeadingElement)
/** `/account#password` is where password managers send people (/.well-known/change-password). */
const wantsPassword = () => location.hash === '#password'

const speakTo = async (preferred: readonly string[]) => {
  await speak(preferred)
  await sayPasswordRule(document)
}

const loadLists = async () => {
  await Promise.all([loadDevices(loadLists), loadActivity()])
}

await speakTo(navigator.languages)
prepareRegistration()
prepareAddress()
prepareDevices(loadLists)
preparePassword()
prepareActivity()
prepareDeletion()
const reload = await runPage({
  async load(me) {
    showPasswordOwner(me.email)
    await Promise.all([showAddress(me), loadLists()])
  },
  onWaiting: showWaiting,
  start: () => (wantsPassword() ? passwordStart() : title)
})

const followFragment = (taken = takeLink()) => {
  if (taken !== undefined) showLink(taken, reload)
  else if (location.hash === '#forgot') {
    history.replaceState(null, '', location.pathname + location.search)
    showForgottenPassword()
  } else if (wantsPassword()) passwordStart().focus()
}
followFragment(link)
// A link that is opened while the page is open loads nothing.
addEventListener('hashchange', () => followFragment())
