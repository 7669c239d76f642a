import t from 'tap'
import { testProfiles } from '../../../contract/profiles.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'

onEachDatabase(t, testProfiles)
