import t from 'tap'
import { testInvitations } from '../../../contract/invitations.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'

onEachDatabase(t, testInvitations)
