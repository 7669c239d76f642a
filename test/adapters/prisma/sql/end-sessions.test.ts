import t from 'tap'
import { testEndings } from '../../../contract/ending-sessions.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'

onEachDatabase(t, testEndings)
