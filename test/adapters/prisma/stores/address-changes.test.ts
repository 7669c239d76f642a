import t from 'tap'
import { testAddressChanges } from '../../../contract/address-changes.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'

onEachDatabase(t, testAddressChanges)
