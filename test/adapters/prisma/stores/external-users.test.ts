import t from 'tap'
import { testExternalUsers } from '../../../contract/external-users.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'

onEachDatabase(t, testExternalUsers)
