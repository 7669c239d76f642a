import { runPage } from '../shared/page.js'
import { loadActivity, prepareActivity } from './activity.js'
import { loadDevices, prepareDevices } from './devices.js'
import { preparePassword, showPasswordOwner } from './password.js'

/** The page /account: the user's devices, password and recent activity. */

const reload = async () => {
  await Promise.all([loadDevices(reload), loadActivity()])
}

prepareDevices(reload)
preparePassword()
prepareActivity()
await runPage(async (me) => {
  showPasswordOwner(me.email)
  await reload()
})
