import { adminRole } from '../core/vocabulary.js'
import { loadCounts, watchCounts } from './console/counts.js'
import { prepareEverybody } from './console/everybody.js'
import { loadKeys, prepareKeys } from './console/keys.js'
import { loadPeople, preparePeople } from './console/people.js'
import { byId } from './shared/dom.js'
import { runPage } from './shared/page.js'

/** The page for ops. */

const ops = byId('ops', HTMLDivElement)
const notAdmin = byId('not-admin', HTMLParagraphElement)

preparePeople()
prepareKeys()
prepareEverybody()
watchCounts(() => !ops.hidden)
await runPage(async (me) => {
  const isAdmin = me.roles.includes(adminRole)
  notAdmin.hidden = isAdmin
  if (isAdmin) await Promise.all([loadCounts(), loadPeople(), loadKeys()])
  ops.hidden = !isAdmin
})
