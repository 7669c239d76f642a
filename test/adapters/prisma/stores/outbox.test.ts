import t from 'tap'
import { testOutbox } from '../../../contract/mail.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'

onEachDatabase(t, testOutbox)
