import t from 'tap'
import { testListings } from '../../../contract/listings.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'

onEachDatabase(t, testListings)
