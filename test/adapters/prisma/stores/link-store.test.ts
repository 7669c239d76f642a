import t from 'tap'
import { testLinks } from '../../../contract/mail.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'

onEachDatabase(t, testLinks)
