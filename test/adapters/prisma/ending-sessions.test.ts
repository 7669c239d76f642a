import t from 'tap'
import { testEndings } from '../../contract/ending-sessions.js'
import { onEachDatabase } from './stores.js'

onEachDatabase(t, testEndings)
