import t from 'tap'
import { testListings } from '../../contract/listings.js'
import { onEachDatabase } from './stores.js'

onEachDatabase(t, testListings)
