import t from 'tap'
import { testNotices } from '../../../contract/notices.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'

onEachDatabase(t, testNotices)
