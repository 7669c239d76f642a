import { loadActivity, prepareActivity } from './account/activity.js'
import { loadDevices, prepareDevices } from './account/devices.js'
import { preparePassword, showPasswordOwner } from './account/password.js'
import { runPage } from './shared/page.js'

/** The page where a person sees and ends their devices. */

const reload = async () => {
  await Promise.all([loadDevices(reload), loadActivity()])
}

prepareDevices(reload)
preparePassword(reload)
prepareActivity()
await runPage(async (me) => {
  showPasswordOwner(me.email)
  await reload()
})
