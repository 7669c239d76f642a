import t from 'tap'
import { testRegistrations } from '../../../contract/registrations.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'

onEachDatabase(t, testRegistrations)
