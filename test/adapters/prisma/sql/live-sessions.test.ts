import t from 'tap'
import { testRotation } from '../../../contract/rotation.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'

onEachDatabase(t, testRotation)
