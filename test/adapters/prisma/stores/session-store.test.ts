import t from 'tap'
import { testSessions } from '../../../contract/session-store.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'

onEachDatabase(t, testSessions)
