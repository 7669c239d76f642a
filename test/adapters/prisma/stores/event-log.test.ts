import t from 'tap'
import { testEvents } from '../../../contract/event-log.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'

onEachDatabase(t, testEvents)
