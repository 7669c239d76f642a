import { byId } from '../shared/dom.js'
import { runPage } from '../shared/page.js'
import { prepareRegistration } from '../shared/sign-in.js'
import { speak } from '../shared/words/language.js'
import { loadActivity, prepareActivity } from './activity.js'
import { prepareAddress, showAddress } from './address.js'
import { prepareDeletion, showDeletion } from './delete-account.js'
import { loadDevices, prepareDevices } from './devices.js'
import { showForgottenPassword, showWaiting } from './forgotten-password.js'
import { showLink, takeLink } from './links.js'
import { passwordStart, preparePassword, showPasswordForm } from './password.js'
import { sayPasswordRule } from './password-rule.js'
import { loadProfile, preparePreferences, showPreferences } from './preferences.js'
import { holdPage } from './step.js'

/** The page /account: the user's address, devices, password and recent activity, and the links of mails. */

// Do this first: if a later step fails, the token must not stay in the address.
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
    const profile = await loadProfile()
    await speakTo(profile.locale === undefined ? navigator.languages : [profile.locale, ...navigator.languages])
    await showPasswordForm(me)
    showDeletion(me)
    await Promise.all([showAddress(me), showPreferences(profile), loadLists()])
  },
  onWaiting: showWaiting,
  start: () => (wantsPassword() ? passwordStart() : title)
})

preparePreferences(reload)

const followFragment = (taken = takeLink()) => {
  if (taken !== undefined) void showLink(taken, reload)
  else if (location.hash === '#forgot') {
    history.replaceState(null, '', location.pathname + location.search)
    void showForgottenPassword()
  } else if (wantsPassword()) passwordStart().focus()
}
followFragment(link)
// If the page is open already, opening a mailed link only changes the fragment.
addEventListener('hashchange', () => followFragment())
