import t from 'tap'
import { testUsers } from '../../../contract/user-store.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'

onEachDatabase(t, testUsers)
