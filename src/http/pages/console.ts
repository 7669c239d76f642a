import { loadCounts, watchCounts } from './counts.js'
import { byId } from './dom.js'
import { prepareEverybody } from './everybody.js'
import { loadKeys, prepareKeys } from './keys.js'
import { runPage } from './page.js'
import { loadPeople, preparePeople } from './people.js'

/** The page for ops. */

const ops = byId('ops', HTMLDivElement)
const notAdmin = byId('not-admin', HTMLParagraphElement)

preparePeople()
prepareKeys()
prepareEverybody()
watchCounts(() => !ops.hidden)
await runPage(async (me) => {
  const isAdmin = me.roles.includes('admin')
  notAdmin.hidden = isAdmin
  if (isAdmin) await Promise.all([loadCounts(), loadPeople(), loadKeys()])
  ops.hidden = !isAdmin
})
