import t from 'tap'
import { testUsers } from '../../contract/user-store.js'
import { onEachDatabase } from './stores.js'

onEachDatabase(t, testUsers)
