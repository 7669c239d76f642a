import t from 'tap'
import { testEvents } from '../../contract/event-log.js'
import { onEachDatabase } from './stores.js'

onEachDatabase(t, testEvents)
