import t from 'tap'
import { testClients } from '../../../contract/client-store.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'

onEachDatabase(t, testClients)
