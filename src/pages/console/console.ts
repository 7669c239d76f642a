import { adminRole } from '../../core/vocabulary.js'
import { byId } from '../shared/dom.js'
import { runPage } from '../shared/page.js'
import { loadClients, prepareClients } from './clients.js'
import { loadCounts, watchCounts } from './counts.js'
import { prepareEverybody } from './everybody.js'
import { loadKeys, prepareKeys } from './keys.js'
import { loadMails, prepareMails } from './mail/mails.js'
import { loadInvite, prepareInvite } from './people/invite.js'
import { loadPeople, preparePeople, showPerson } from './people/people.js'

/** The page /console, for users with the role `admin`. */

const tools = byId('tools', HTMLDivElement)
const notAdmin = byId('not-admin', HTMLParagraphElement)

preparePeople()
prepareInvite(showPerson)
prepareMails(showPerson)
prepareClients()
prepareKeys()
prepareEverybody()
watchCounts(() => !tools.hidden)
await runPage({
  async load(me) {
    const isAdmin = me.roles.includes(adminRole)
    notAdmin.hidden = isAdmin
    if (isAdmin) await Promise.all([loadCounts(), loadPeople(), loadInvite(), loadMails(), loadClients(), loadKeys()])
    tools.hidden = !isAdmin
  }
})
