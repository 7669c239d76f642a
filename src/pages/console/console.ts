import { adminRole } from '../../core/vocabulary.js'
import { byId } from '../shared/dom.js'
import { runPage } from '../shared/page.js'
import { loadCounts, watchCounts } from './counts.js'
import { prepareEverybody } from './everybody.js'
import { loadKeys, prepareKeys } from './keys.js'
import { loadPeople, preparePeople } from './people.js'

/** The page /console, for users with the role `admin`. */

const tools = byId('tools', HTMLDivElement)
const notAdmin = byId('not-admin', HTMLParagraphElement)

preparePeople()
prepareKeys()
prepareEverybody()
watchCounts(() => !tools.hidden)
await runPage({
  async load(me) {
    const isAdmin = me.roles.includes(adminRole)
    notAdmin.hidden = isAdmin
    if (isAdmin) await Promise.all([loadCounts(), loadPeople(), loadKeys()])
    tools.hidden = !isAdmin
  }
})
