import { loadActivity, prepareActivity } from './activity.js'
import { loadDevices, prepareDevices } from './devices.js'
import { runPage } from './page.js'
import { preparePassword, showPasswordOwner } from './password.js'

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
